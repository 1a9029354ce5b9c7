export interface Clock {
  readonly now: () => number
  readonly advance: (ms: number) => void
  /** From here on `now` starts at this time. */
  readonly set: (ms: number) => void
}

export function createClock(base: () => number): Clock {
  let offset = 0
  return {
    now: () => base() + offset,
    advance: (ms) => {
      offset += ms
    },
    set: (ms) => {
      offset = ms - base()
    },
  }
}

/** As Python prints an aware time: microseconds and `+00:00`. */
export const isoTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000+00:00')

/** Holds everything back while it is closed: the event loop of a frozen Python process. */
export interface Gate {
  readonly open: () => Promise<void>
  readonly isOpen: () => boolean
  /** Closes for `ms`; the promise resolves when it opens again. */
  readonly freeze: (ms: number) => Promise<void>
  readonly thaw: () => void
}

export function createGate(): Gate {
  let closed: { readonly until: Promise<void>; readonly release: () => void } | null = null
  let timer: NodeJS.Timeout | undefined
  const release = () => {
    clearTimeout(timer)
    const held = closed
    closed = null
    held?.release()
  }
  return {
    open: () => closed?.until ?? Promise.resolve(),
    isOpen: () => closed === null,
    freeze: (ms) => {
      if (closed === null) {
        const { promise, resolve } = Promise.withResolvers<void>()
        closed = { until: promise, release: resolve }
      }
      clearTimeout(timer)
      timer = setTimeout(release, ms)
      return closed.until
    },
    thaw: release,
  }
}

/** Resolves after `ms`, or at once when the signal aborts. */
export const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
