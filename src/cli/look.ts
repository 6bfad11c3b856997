import { writeFile } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Inspection } from '../core/inspection.ts'
import type { Context } from './context.ts'
import { readCpuProfile, selfTimes } from './cpu-profile.ts'
import { formatMillis } from './format.ts'
import type { InspectorAddress } from './inspector-address.ts'
import { EXIT_USAGE, Stop } from './stop.ts'
import { paint, print, printable } from './terminal.ts'

export interface LookOptions {
  readonly json?: true
  /** Where a debugger gets in; `true` for the usual place. */
  readonly inspect?: InspectorAddress | true
  /** The file for a CPU profile. */
  readonly cpuProfile?: string
}

/** A look into the run that a command makes. */
export interface Look extends AsyncDisposable {
  readonly inspection: Inspection
  /** The run is about to be asked for. */
  announce(): void
  /** The run has been answered for. */
  finish(): Promise<void>
}

/** How many functions the line about a profile names. */
const HOTTEST = 5

/** Opens what the options ask for: a port for a debugger, a profile, or nothing. */
export async function openLook(
  submitted: { readonly file: string; readonly main: string },
  options: LookOptions,
  context: Context,
): Promise<Look | undefined> {
  const origin = originOf(submitted)
  if (options.inspect !== undefined) return await letDebuggerIn(submitted.main, origin, options.inspect, context)
  return options.cpuProfile === undefined ? undefined : takeProfile(origin, options.cpuProfile, options, context)
}

/** The URL of the submitted file's folder, so that an editor finds the file; nothing where the module has another name. */
function originOf({ file, main }: { readonly file: string; readonly main: string }): string {
  if (basename(file) !== main || encodeURI(main) !== main) return ''
  return `${pathToFileURL(dirname(resolve(file))).href.replace(/\/?$/, '/')}`
}

async function letDebuggerIn(
  title: string,
  origin: string,
  given: InspectorAddress | true,
  { clock, err }: Context,
): Promise<Look> {
  // Loaded by the one command that needs it.
  const [{ openInspector }, { DEFAULT_INSPECTOR }] = await Promise.all([
    import('./inspector.ts'),
    import('./inspector-address.ts'),
  ])
  const address = given === true ? DEFAULT_INSPECTOR : given
  const inspector = await openInspector({ address, clock, title, origin })
  return {
    inspection: inspector.run,
    announce() {
      print(err, `Debugger listening on ${inspector.url}`)
      print(err, 'The run waits for one, without time limits: chrome://inspect, or an editor that attaches to Node.')
    },
    async finish() {},
    [Symbol.asyncDispose]: () => inspector[Symbol.asyncDispose](),
  }
}

function takeProfile(origin: string, file: string, { json }: LookOptions, { err }: Context): Look {
  let text: string | undefined
  return {
    inspection: {
      mode: 'profile',
      origin,
      began: () => (text = undefined),
      received() {},
      profiled: (profile) => (text = profile),
      logged() {},
      ended() {},
    },
    announce() {},
    async finish() {
      const profile = text === undefined ? undefined : readCpuProfile(text)
      if (profile === undefined) {
        print(err, `no profile was written to ${file}: the isolate was gone before it could be taken`)
        return
      }
      await write(file, JSON.stringify(profile))
      if (json) return
      const hottest = selfTimes(profile, origin).slice(0, HOTTEST)
      const parts = hottest.map(({ name, place, ms }) => `${name}${place ? ` ${place}` : ''} ${formatMillis(ms)}`)
      print(err, paint(err, 'dim', printable(err, `PROFILE ${file}  ${parts.join('  ')}`)))
    },
    async [Symbol.asyncDispose]() {},
  }
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Stop(`the profile cannot be written: ${reason}`, { exit: EXIT_USAGE })
  }
}
