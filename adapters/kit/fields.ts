import * as v from 'valibot'

/** For what is not needed: of any other shape, or absent, it counts as not told. Platforms add fields at will. */
export const lenient = <S extends v.GenericSchema>(schema: S) => v.fallback(v.optional(schema), undefined)

/** A text of at most so many UTF-16 units. */
export const bounded = (max: number) => v.pipe(v.string(), v.maxLength(max))

/** A whole number, also as text of at most so many digits: what passes payloads on (proxies, exports) writes either. */
export const whole = (maxDigits: number) =>
  v.pipe(
    v.union([v.number(), v.pipe(v.string(), v.regex(new RegExp(`^\\d{1,${maxDigits}}$`)), v.transform(Number))]),
    v.safeInteger(),
  )
