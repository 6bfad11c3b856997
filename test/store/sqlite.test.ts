import { openTemporaryStores } from '../../src/store/sqlite/open.ts'
import { describeStores } from './describe-stores.ts'

describeStores('SQLite', (clock) => openTemporaryStores({ clock }))
