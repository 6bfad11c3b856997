import type { WallLevel } from '../../src/core/run.ts'
import { openPool } from './harness.ts'

/** A host that tells its cells' process ids and then never ends by itself; one of its cells is in a tight loop. */
const cells = await openPool({ blankCells: 1, walls: (process.argv[2] ?? 'B') as WallLevel })
await cells.run('return 1', { tenant: 'quiet' })
void cells.run('for (;;);', { tenant: 'looping' })
await new Promise((resolve) => setTimeout(resolve, 100))
process.send?.(cells.pool.cells().map(({ pid }) => pid))
