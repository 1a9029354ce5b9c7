import { hash, timingSafeEqual } from 'node:crypto'

const digest = (text: string): Buffer => hash('sha256', text, 'buffer')

/** Whether two secrets are the same. Takes the same time for every guess, whatever its length: both sides are hashed
 *  first, so neither length nor common beginning shows. */
export const sameSecret = (given: string, expected: string): boolean => timingSafeEqual(digest(given), digest(expected))
