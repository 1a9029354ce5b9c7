import { mutateBytes } from './bytes.ts'
import { mutateJson } from './json.ts'
import type { Random } from './random.ts'
import { mutateXml } from './xml.ts'

const parsed = (bytes: Buffer): object | null => {
  // Deeper than our own recursion goes; such a body is damaged as bytes.
  if (bytes.includes('['.repeat(100))) return null
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    return typeof value === 'object' ? value : null
  } catch {
    return null
  }
}

export const damageJson = (seed: Buffer, random: Random): Buffer => {
  const json = random.chance(0.7) ? parsed(seed) : null
  const body = json === null ? seed : Buffer.from(mutateJson(json, random))
  return json !== null && random.chance(0.85) ? body : mutateBytes(body, random)
}

export const damageXml = (seed: Buffer, random: Random): Buffer => {
  const asXml = random.chance(0.8)
  const body = asXml ? Buffer.from(mutateXml(seed.toString('utf8'), random)) : seed
  return asXml && random.chance(0.85) ? body : mutateBytes(body, random)
}
