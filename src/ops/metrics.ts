export interface Metrics {
  readonly count: (name: string, labels?: Readonly<Record<string, string>>, by?: number) => void
  readonly render: () => string
}

interface Family {
  readonly about: string
  readonly type: 'counter' | 'gauge'
}

/** Every metric there is. Labels come from small fixed sets, so the number of lines is bounded. */
const families = {
  connector_sends_total: { about: 'Platform calls by outcome.', type: 'counter' },
  connector_events_total: { about: 'Events taken in.', type: 'counter' },
  connector_webhook_refused_total: { about: 'Webhook requests that were refused.', type: 'counter' },
} as const satisfies Readonly<Record<string, Family>>

/** Counters in the Prometheus text format 0.0.4. Gauges are read when they are asked for. */
export const makeMetrics = (
  gauges: () => Readonly<Record<string, { readonly about: string; readonly value: number }>>,
): Metrics => {
  const values = new Map<string, number>()
  return {
    count: (name, labels = {}, by = 1) => {
      const inner = Object.entries(labels)
        .map(([key, value]) => `${key}="${value.replaceAll(/["\\\n]/g, '_')}"`)
        .join(',')
      const line = inner === '' ? name : `${name}{${inner}}`
      values.set(line, (values.get(line) ?? 0) + by)
    },
    render: () => {
      const counters = Object.entries(families).flatMap(([name, { about, type }]) => [
        `# HELP ${name} ${about}`,
        `# TYPE ${name} ${type}`,
        ...[...values]
          .filter(([line]) => line === name || line.startsWith(`${name}{`))
          .map(([line, value]) => `${line} ${value}`),
      ])
      const now = Object.entries(gauges()).flatMap(([name, { about, value }]) => [
        `# HELP ${name} ${about}`,
        `# TYPE ${name} gauge`,
        `${name} ${value}`,
      ])
      return `${[...counters, ...now].join('\n')}\n`
    },
  }
}
