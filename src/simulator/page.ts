export interface Warning {
  readonly code: string
  readonly field: string
  readonly raw: string
  readonly normalized: number
}

export interface Page {
  readonly limit: number
  readonly offset: number
  readonly warnings: readonly Warning[]
}

export interface PageLimits {
  readonly limit: number
  readonly maxLimit: number
  readonly maxOffset: number
}

/** Numbers out of range are moved into it, with a warning each. */
export function pageOf(query: URLSearchParams, limits: PageLimits): Page {
  const warnings: Warning[] = []
  const read = (field: 'limit' | 'offset', fallback: number, min: number, max: number): number => {
    const raw = query.get(field)
    if (raw === null) return fallback
    const warn = (code: string, normalized: number) => {
      warnings.push({ code: `R95_${code}`, field, raw, normalized })
      return normalized
    }
    const name = field.toUpperCase()
    if (!/^-?\d+$/.test(raw)) return warn(`INVALID_${name}`, fallback)
    const value = Number(raw)
    if (value < min) return warn(`${name}_BELOW_MIN`, min)
    return value > max ? warn(`${name}_CLAMPED`, max) : value
  }
  const limit = read('limit', limits.limit, 1, limits.maxLimit)
  const offset = read('offset', 0, 0, limits.maxOffset)
  return { limit, offset, warnings }
}
