import { existsSync } from 'node:fs'
import { type Browser, type Page, chromium } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ROOT, runProgram } from '../cli/command-line.ts'
import { type Server, startServer } from '../e2e/server.ts'

const CHROMIUM = '/usr/bin/chromium'
const isInstalled = existsSync(CHROMIUM)
if (!isInstalled)
  console.warn(`the pet store is not opened in a browser: there is no ${CHROMIUM}; sudo apt-get install chromium`)

let server: Server
let browser: Browser
beforeAll(async () => {
  if (!isInstalled) return
  server = await startServer()
  await server.tenant('ann')
  const env = { CLOISTER_URL: server.url, CLOISTER_KEY: server.adminKey }
  for (const args of [
    ...['shop', 'pets', 'customers', 'orders'].map((name) => ['deploy', `examples/pet-store/${name}`]),
    ['run', 'examples/pet-store/seed.ts'],
  ]) {
    const { code, stderr } = await runProgram([...args, '--tenant', 'ann'], { env, cwd: ROOT })
    if (code !== 0) throw new Error(stderr)
  }
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
})
afterAll(async () => {
  await browser?.close()
  await server?.[Symbol.asyncDispose]()
})

const texts = (page: Page, list: string) => page.locator(`#${list} li`).allTextContents()

test.skipIf(!isInstalled)('a customer looks for a pet, buys it, and finds it among the orders', async () => {
  const page = await browser.newPage()
  page.setDefaultTimeout(60_000)
  const faults: string[] = []
  page.on('pageerror', ({ message }) => faults.push(message))
  await page.goto(`${server.url}/run/ann/shop/`)
  await page.locator('#pets li').nth(3).waitFor()
  expect(await texts(page, 'pets')).toEqual([
    'Ada, cat, $40, 1 leftBuy',
    'Bo, dog, $90, 3 leftBuy',
    'Cleo, cat, $35, 2 leftBuy',
    'Dot, fish, $5, 20 leftBuy',
  ])
  const notice = page.locator('#notice')
  await page.getByRole('button', { name: 'Buy' }).first().click()
  await expect.poll(() => notice.textContent(), { timeout: 60_000 }).toBe('Log in to buy.')

  await page.fill('[name=search]', 'AD')
  await page.selectOption('[name=kind]', 'cat')
  await page.getByRole('button', { name: 'Search' }).click()
  await expect.poll(() => texts(page, 'pets'), { timeout: 60_000 }).toEqual(['Ada, cat, $40, 1 leftBuy'])

  await page.fill('[name=name]', 'Cy')
  await page.fill('[name=password]', 'correct horse')
  await page.getByRole('button', { name: 'Register' }).click()
  await expect.poll(() => notice.textContent(), { timeout: 60_000 }).toBe('Hello cy.')
  await page.getByRole('button', { name: 'Buy' }).click()
  await expect.poll(() => notice.textContent(), { timeout: 60_000 }).toBe('Ada is yours.')
  expect(await texts(page, 'orders')).toEqual(['Ada, $40'])
  expect(await texts(page, 'pets')).toEqual(['Ada, cat, $40, 0 leftBuy'])
  await page.getByRole('button', { name: 'Buy' }).click()
  await expect.poll(() => notice.textContent(), { timeout: 60_000 }).toBe('Ada is sold out')
  expect(faults).toEqual([])

  const orders = await fetch(`${server.url}/run/ann/orders`)
  expect(orders.status).toBe(401)
  const { rows } = (await server.get('/v1/tenants/ann/usage?groupBy=function')).body
  expect(rows.map((row: any) => row.function)).toEqual(expect.arrayContaining(['shop', 'pets', 'customers', 'orders']))
})
