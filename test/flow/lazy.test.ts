import { join } from 'node:path'
import { expect, test } from 'vitest'
import { listing, modulesIn } from '../kit/modules.ts'
import { openHouse } from './harness.ts'
import { until } from './process.ts'

/** What a platform brings along that others have no use for. */
const ofOnePlatform = ['grammy', '@discordjs/rest', '@slack/web-api', 'ws', 'fast-xml-parser', 'undici']

test('a daemon for one platform loads nothing of the others', async ({ onTestFinished }) => {
  const house = await openHouse(onTestFinished, { idle: true })
  const file = join(house.dir, 'loaded')
  const daemon = await house.start(listing(file))
  await house.telegram.say(house.telegram.people.ann, house.telegram.places.dm, '/run portrait prompt="a red fox"')
  await until('the picture is there', () => house.telegram.shown().find(({ media }) => media.length > 0))
  await daemon.stop()
  const { packages } = modulesIn(file)
  expect(ofOnePlatform.filter((name) => packages.has(name))).toEqual(['grammy'])
  expect([...packages]).toEqual(expect.arrayContaining(['hono', 'pino', 'valibot']))
})
