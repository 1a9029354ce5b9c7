import type { Proof } from './event.ts'

declare const vouched: unique symbol

/** A payload whose origin was checked. Decoders accept nothing else, so decoding first does not compile. */
export interface Verified<T> {
  readonly payload: T
  readonly proof: Proof
  readonly [vouched]: true
}

/** The only maker of `Verified`. Call it right behind the check, with what the check proved. */
export const vouch = <T>(payload: T, proof: Proof): Verified<T> => ({ payload, proof }) as Verified<T>
