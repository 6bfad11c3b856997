import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT, createDirectory } from '../cli/command-line.ts'
import { expectUsage } from './independent-bill.ts'

/**
 * Does what README.md tells a newcomer to do, as it stands there: the blocks of its first-run section, in their order, in a
 * folder that looks like a fresh checkout. Only `npm ci` is taken as done.
 */
const README = join(ROOT, 'README.md')
const SECTION = 'A first run in a minute'
const isThere = existsSync(README)
if (!isThere) console.warn(`\n!!! ${README} is not there: nothing proves that a first run works !!!\n`)

interface Block {
  readonly language: string
  readonly text: string
}

const section = isThere
  ? (readFileSync(README, 'utf8')
      .split(/^## /m)
      .find((part) => part.startsWith(SECTION)) ?? '')
  : ''
const blocks = [...section.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language = '', text = '']): Block => ({
  language,
  text,
}))

function block(language: string, text: RegExp): string {
  const found = blocks.find((one) => one.language === language && text.test(one.text))
  if (found === undefined) throw new Error(`README.md has no block of ${language || 'output'} with ${text}`)
  return found.text
}

/** A folder with everything that the repository has, and none of what a run leaves behind. */
function checkOut(): Disposable & { readonly path: string } {
  const directory = createDirectory()
  for (const name of readdirSync(ROOT)) {
    if (!['.git', '.cloister', 'coverage', 'dist'].includes(name))
      symlinkSync(join(ROOT, name), join(directory.path, name))
  }
  return directory
}

function shell(script: string, cwd: string): string {
  return execFileSync('sh', ['-ec', script], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Text with what differs from run to run made equal. */
function settle(text: string): string {
  return text
    .replaceAll(/\S+\/\.cloister/g, 'FOLDER/.cloister')
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT')
    .replaceAll(/run_[0-9a-v]{26}/g, 'RUN')
    .replaceAll(/[\d.]+ m?s (?=wall|cpu)/g, 'N ')
    .replaceAll(/\d+ units? of 100 ms/g, 'N units')
    .replaceAll(/\$0\.\d+/g, '$N')
    .replaceAll(/level [ABC]/g, 'level X')
    .trim()
}

test.skipIf(!isThere)('one command starts it, and what it prints is ready to paste', { timeout: 300_000 }, async () => {
  using folder = checkOut()
  const command = block('sh', /npm start/)
  expect(command).toBe('npm ci && npm start\n')
  // The port that README.md shows may be taken here.
  const env = { ...process.env, CLOISTER_PORT: '0', CLOISTER_LOG_LEVEL: 'warn', CLOISTER_DATA_DIRECTORY: '' }
  const child = spawn('sh', ['-c', command.replace('npm ci && ', 'exec ')], { cwd: folder.path, env, detached: true })
  try {
    let printed = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (printed += chunk))
    const ended = once(child, 'close').then(() => {
      throw new Error(`it ended, and had printed ${printed}`)
    })
    while (!printed.includes('/execute -d')) await Promise.race([once(child.stdout, 'data'), ended])
    expect(settle(printed)).toContain(settle(block('', /Cloister serves/)))
    const answers = shell(printed.slice(printed.indexOf('KEY=')), folder.path)
    const answer = JSON.parse(answers.slice(answers.indexOf('{"runId"')))
    const shown = JSON.parse(block('json', /"runId"/))
    expectUsage(answer.usage)
    // There only if the run was long enough to be seen.
    const { peakMemoryMb: _, ...usage } = answer.usage
    const { wallMs, cpuMs, units, billedMs, costUsd } = shown.usage
    expect({ ...answer, runId: shown.runId, usage: { ...usage, wallMs, cpuMs, units, billedMs, costUsd } }).toEqual(
      shown,
    )
  } finally {
    process.kill(-child.pid!, 'SIGTERM')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
  }
})

test.skipIf(!isThere)('a file runs from the command line as it is shown', { timeout: 300_000 }, () => {
  using folder = checkOut()
  const printed = shell(`exec 2>&1\n${block('sh', /npx cloister run/)}`, folder.path)
  const [result, report] = settle(printed.slice(printed.indexOf('42'))).split('\n')
  expect([result, report]).toEqual(settle(block('', /REPORT/)).split('\n'))
})

test.skipIf(!isThere)('a program runs it as it is shown', { timeout: 300_000 }, () => {
  using folder = checkOut()
  writeFileSync(join(folder.path, 'program.ts'), block('ts', /createCloister/))
  const printed = execFileSync(process.execPath, ['program.ts'], { cwd: folder.path, encoding: 'utf8' })
  expect(printed).toMatch(/^ok \{ hello: 'ann' \} 1\n/)
  expect(printed).toMatch(/total: '0\.\d{9}'/)
})
