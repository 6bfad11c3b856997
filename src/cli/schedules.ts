import type { Command } from 'commander'
import { ask, path } from './ask.ts'
import { connect } from './connect.ts'
import type { Context } from './context.ts'
import { formatTime } from './format.ts'
import { listAt, printJson, textAt } from './json.ts'
import { type TenantOptions, addExample, addTenantOptions } from './options.ts'
import { parseSegment } from './segment.ts'
import { left, renderTable } from './table.ts'
import { print } from './terminal.ts'

/** `cloister schedules`: lines of cron in the configurations of live versions. */
export function registerSchedules(program: Command, context: Context): void {
  const group = program
    .command('schedules')
    .summary('look at schedules, pause and run them')
    .description('Schedules of functions, as the configurations of their live versions say.')
  addExample(group, 'cloister schedules --tenant ann')

  const list = group.command('list', { isDefault: true }).description('Lists them, with their next times.')
  addTenantOptions(list, 'cloister schedules list --tenant ann').action((options: TenantOptions) =>
    listSchedules(options, context),
  )

  for (const [name, state] of [
    ['pause', 'paused'],
    ['resume', 'active'],
  ] as const) {
    const command = group
      .command(name)
      .description(name === 'pause' ? 'Passes over its times until it is resumed.' : 'Lets it go on.')
      .argument('<id>', 'its id', parseSegment)
    addTenantOptions(command, `cloister schedules ${name} 7 --tenant ann`).action(
      async (id: string, { tenant, ...options }: TenantOptions) => {
        await using connection = await connect(options, context)
        const body = JSON.stringify({ state })
        await ask(connection, 'PUT', path`/v1/tenants/${tenant}/schedules/${id}`, { body })
        if (options.json) print(context.out, JSON.stringify({ id, state }))
        else print(context.err, `${state} ${id}`)
      },
    )
  }

  const run = group
    .command('run')
    .description('Runs its function now, besides its times.')
    .argument('<id>', 'its id', parseSegment)
  addTenantOptions(run, 'cloister schedules run 7 --tenant ann').action(
    async (id: string, { tenant, ...options }: TenantOptions) => {
      await using connection = await connect(options, context)
      const answer = await ask(connection, 'POST', path`/v1/tenants/${tenant}/schedules/${id}/run`)
      if (options.json) printJson(context.out, answer)
      else print(context.err, `queued ${textAt(JSON.parse(answer), 'runId') ?? ''}`)
    },
  )
}

async function listSchedules({ tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  const answer = await ask(connection, 'GET', path`/v1/tenants/${tenant}/schedules`)
  if (options.json) return printJson(context.out, answer)
  const rows = listAt(JSON.parse(answer), 'schedules').map((schedule) => {
    const next = textAt(schedule, 'nextAt')
    return [
      textAt(schedule, 'id') ?? '',
      textAt(schedule, 'function') ?? '',
      textAt(schedule, 'schedule') ?? '',
      textAt(schedule, 'timezone') ?? '',
      textAt(schedule, 'state') ?? '',
      next === undefined ? '' : formatTime(next),
    ]
  })
  if (rows.length === 0) return print(context.err, 'no schedules')
  const columns = [left('id'), left('function'), left('schedule'), left('time zone'), left('state'), left('next')]
  print(context.out, renderTable(context.out, columns, rows))
}
