import type { Command } from 'commander'
import type { Context } from './context.ts'
import { formatPlural } from './format.ts'
import { type JsonOption, addExample, addJsonOption } from './options.ts'
import { nameOf, readText } from './source.ts'
import { EXIT_OK, EXIT_USAGE, type ExitCode } from './stop.ts'
import { paint, print, printable } from './terminal.ts'

interface PolicyOptions extends JsonOption {
  readonly policies?: string
}

const CHECK_EXAMPLE = 'cloister policy check policies/pro.json'

/** `cloister policy check FILE`: every fault of a policy at once. */
export function registerPolicy(program: Command, context: Context): void {
  const group = program.command('policy').summary('check policy files').description('Works on policy files.')
  addExample(group, CHECK_EXAMPLE)
  const command = group
    .command('check')
    .summary('list every fault of a policy file')
    .description('Lists every fault of a policy file with its path, and exits 2 if there are any.')
    .argument('<file>', 'a .json file; - for standard input')
    .option('--policies <dir>', 'a folder with more policies that this one may extend')
  addJsonOption(command, CHECK_EXAMPLE).action(async (file: string, options: PolicyOptions) => {
    context.finish(await checkFile(file, options, context))
  })
}

async function checkFile(file: string, { json, policies }: PolicyOptions, context: Context): Promise<ExitCode> {
  const text = await readText(file, context)
  // Loaded only now: the schema takes longer to load than the rest of the command line.
  const { checkPolicyText, loadPolicies } = await import('../policy/load.ts')
  const checked = checkPolicyText(text, loadPolicies(policies === undefined ? [] : [policies]))
  if ('policy' in checked) {
    if (json) print(context.out, JSON.stringify({ file, ok: true, name: checked.policy.name, faults: [] }))
    else
      print(
        context.out,
        `${paint(context.out, 'green', 'ok')}  ${nameOf(file)}: policy "${checked.policy.name}" has no faults`,
      )
    return EXIT_OK
  }
  if (json) print(context.out, JSON.stringify({ file, ok: false, faults: checked.faults }))
  else {
    for (const { path, message } of checked.faults) {
      print(
        context.out,
        `${paint(context.out, 'bold', printable(context.out, path))}: ${printable(context.out, message)}`,
      )
    }
    print(context.err, `${nameOf(file)} has ${formatPlural(checked.faults.length, 'fault')}`)
  }
  return EXIT_USAGE
}
