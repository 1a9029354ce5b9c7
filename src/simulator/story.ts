import { numbersFrom } from './art/picture.ts'

const openings = [
  'One evening a red fox found',
  'Nobody in the valley had ever seen',
  'Long before the first train there was',
  'The old lighthouse keeper still talks of',
]
const turns = [
  'It followed the river until the stars came out.',
  'The wind knew the way and did not tell.',
  'By morning the snow had kept every footprint.',
  'A crow laughed, and then it did not.',
]
const endings = [
  'Since then the hills are a little warmer.',
  'And the fox? The fox sleeps well.',
  'If you listen, you can still hear it.',
  'That is all anybody remembers.',
]

/** A very short story about whatever was asked for; the same words give the same story. */
export function tell(about: string, seed: string): string {
  const next = numbersFrom(`${about}|${seed}`)
  const pick = (list: readonly string[]) => list[Math.floor(next() * list.length)] as string
  return `${pick(openings)} ${about || 'something nobody could name'}. ${pick(turns)} ${pick(endings)}`
}
