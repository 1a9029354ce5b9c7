import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { readVersion } from '../../src/version.ts'

it('the version is the one of the package', () => {
  expect(readVersion()).toBe(JSON.parse(readFileSync('package.json', 'utf8')).version)
})
