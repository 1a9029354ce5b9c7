import { type Logger, pino } from 'pino'
import { redactor } from './config/mask.ts'
import type { Log } from './contract/index.ts'
import { type Cleaner, cleaner } from './log-fields.ts'
import { pretty } from './log-pretty.ts'

export interface RootLog extends Log {
  /** The same log with these fields in every line. */
  readonly child: (fields: object) => RootLog
}

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly format: 'pretty' | 'json'
  /** Gets one line with its line break per call; `process.stdout` fits. */
  readonly destination: { readonly write: (line: string) => unknown }
  /** Values that never appear in a line, in no spelling. */
  readonly secrets: readonly string[]
  readonly now: () => number
}

const withheld = JSON.stringify({ level: 'warn', msg: 'a log line was withheld: a secret in it could not be cut out' })

function parsed(line: string): Record<string, unknown> | null {
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return null
  }
}

/** The process's log. Texts are redacted when they come in, and the finished line once more as a whole. */
export function createLog(options: LogOptions): RootLog {
  const redact = redactor(options.secrets)

  function write(line: string): void {
    const redacted = redact(line)
    const known = redacted !== line || options.format === 'pretty' ? parsed(redacted) : null
    // A secret of digits inside a number leaves no JSON behind.
    const whole = known === null && redacted !== line ? `${withheld}\n` : redacted
    if (options.format === 'json') {
      options.destination.write(whole)
      return
    }
    const record = known ?? parsed(whole) ?? { level: 'warn', msg: whole.trim() }
    options.destination.write(`${redact(pretty(record, options.level === 'debug'))}\n`)
  }

  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${new Date(options.now()).toISOString()}"`,
      // Errors come in cleaned; pino's own serializer would join their causes again.
      serializers: { err: (err) => err },
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  )
  return wrap(logger, cleaner(redact))
}

function wrap(logger: Logger, clean: Cleaner): RootLog {
  const at = (level: 'debug' | 'info' | 'warn' | 'error') => (fields: object, message: string) => {
    if (logger.isLevelEnabled(level)) logger[level](clean.fields(fields), clean.text(message))
  }
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => wrap(logger.child(clean.fields(fields)), clean),
  }
}
