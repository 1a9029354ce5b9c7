import { type Part, type Receipt, SendError, type SendReport } from '../contract/index.ts'
import { makeTurns } from '../media/turns.ts'
import {
  addPart,
  endLane,
  markAgain,
  markEnded,
  markReported,
  markSending,
  markSent,
  type OutboxRow,
  partByMessage,
  partRow,
} from '../store/outbox.ts'
import { addFurtherMessages } from '../store/sent-media.ts'
import type { Store } from '../store/store.ts'
import type { Gate } from './gate.ts'
import { needless, nudgeFor, nudgeStep } from './nudge.ts'
import { type Step, stepAfter } from './retry.ts'
import type { Outlet, WorkerDeps } from './worker.ts'

/** Sends one part and writes down what became of it. `cut` ends calls under way at shutdown. Never rejects for
 *  anything the platform does. */
export const makeSender = (deps: WorkerDeps, cut: AbortSignal) => {
  const keep = async (change: Parameters<Store['write']>[0]): Promise<void> => {
    for (;;) {
      try {
        await deps.store.write(change)
        return
      } catch (error) {
        // The note is owed whatever the disk says: the send has happened. Try until it is kept or we are ended.
        deps.log.warn({ error: String(error) }, 'delivery state not kept yet')
        if (cut.aborted) return
        await deps.sleep(1000, cut)
      }
    }
  }

  const sendOne = async (row: OutboxRow, outlet: Outlet, gate: Gate): Promise<void> => {
    const { capabilities } = outlet
    const maybeThere = row.state === 'unknown' || row.state === 'sending'
    const keyed = capabilities.resend === 'deduplicated'
    const { maybeSinceMs = maybeThere ? row.createdAtMs : null } = row.part
    const noted: Part = keyed && maybeSinceMs !== null ? { ...row.part, maybeSinceMs } : row.part
    // So long ago that the platform would take the key for a new one.
    const keyGone = keyed && maybeSinceMs !== null && deps.now() - maybeSinceMs > (capabilities.keyMs ?? Infinity)
    const part: Part = keyGone || (maybeThere && !keyed) ? { ...noted, repeated: true } : noted
    // An interim answer would use up the one-time token that the result needs.
    if (maybeThere && capabilities.answer.push === 'never' && (!part.handle || part.interim)) {
      await keep((db) => markAgain(db, row.key, { state: 'mailbox', nextAtMs: 0, error: 'may have arrived', part }))
      return
    }
    const why = part.nudge ? deps.store.read((db) => needless(db, part, maybeThere)) : null
    if (why) return keep((db) => markEnded(db, row.key, 'skipped', why, deps.now()))
    let mine = false
    await keep((db) => {
      mine = markSending(db, row.key)
    })
    if (!mine) return
    deps.step('send:marked')
    try {
      const receipt = await call(row, part, outlet)
      deps.step('send:sent')
      if (receipt) {
        await keep((db) => {
          // Told as failed by the platform before its answer to the call was on disk: that stands.
          const state = partRow(db, row.key)?.state
          if (state !== 'sending' && state !== 'sent') return
          markSent(db, row.key, receipt, deps.now())
          addFurtherMessages(db, part, receipt, deps.now())
        })
        deps.observe(part.to.platform, 'sent')
        deps.log.debug({ part: row.key, via: receipt.via }, 'sent')
      } else {
        await keep((db) => markEnded(db, row.key, 'skipped', 'can not be edited', deps.now()))
      }
    } catch (error) {
      await failed(row, part, outlet, gate, toSendError(error))
    }
  }

  /** Null: an edit that is not possible and not worth a message of its own. */
  const call = async (row: OutboxRow, part: Part, { adapter, capabilities }: Outlet): Promise<Receipt | null> => {
    if (part.nudge) return (await adapter.nudge?.(part, cut)) ?? null
    if (!row.edits) return adapter.send(part, cut)
    const target = deps.store.read((db) => partRow(db, row.edits?.key ?? ''))
    const youngEnough =
      capabilities.edit?.withinMs == null || deps.now() - (target?.createdAtMs ?? 0) < capabilities.edit.withinMs
    if (adapter.edit && target?.state === 'sent' && target.message && youngEnough) {
      try {
        // Edited twice it looks as edited once, so it needs no mark.
        return await adapter.edit(target.message, { ...part, repeated: undefined }, cut)
      } catch (error) {
        if (!(error instanceof SendError) || error.code !== 'edit_gone') throw error
      }
    }
    return row.edits.otherwise === 'send' ? adapter.send(part, cut) : null
  }

  const failed = async (row: OutboxRow, part: Part, outlet: Outlet, gate: Gate, error: SendError): Promise<void> => {
    if (cut.aborted) {
      // Cut off by our own shutdown: the next start decides, by whether it may have left.
      if (error.delivered === 'no')
        await keep((db) => markAgain(db, row.key, { state: 'queued', nextAtMs: 0, error: 'shut down' }))
      return
    }
    const attempts = row.attempts + 1
    const ageMs = deps.now() - row.createdAtMs
    const usual = stepAfter(error, { attempts, ageMs, maybes: row.maybes }, outlet.capabilities, deps.random())
    const step = part.nudge ? nudgeStep(usual, error) : usual
    const ended = step.do === 'end'
    deps.observe(part.to.platform, ended ? 'dead' : 'failed', error)
    deps.log[ended && !step.lane ? 'error' : 'warn'](
      { part: row.key, code: error.code, delivered: error.delivered, attempts, next: step.do, about: error.message },
      ended ? 'not delivered' : 'send failed',
    )
    await take(step, row, part, outlet, gate, error)
  }

  const take = async (
    step: Step,
    row: OutboxRow,
    part: Part,
    outlet: Outlet,
    gate: Gate,
    error: SendError,
  ): Promise<void> => {
    const nowMs = deps.now()
    const doubtful = error.delivered === 'maybe' && outlet.capabilities.resend === 'deduplicated'
    const noted: Part = doubtful ? { ...part, maybeSinceMs: part.maybeSinceMs ?? nowMs } : part
    /** The platform's report that it arrived may be quicker than the loss of the answer to the call. */
    const unlessArrived = (change: Parameters<typeof keep>[0]): Promise<void> =>
      keep((db) => {
        if (row.state === 'sent' || partRow(db, row.key)?.state !== 'sent') change(db)
      })
    const again = (state: 'queued' | 'unknown', nextAtMs: number, changed: Part = noted) =>
      unlessArrived((db) => markAgain(db, row.key, { state, nextAtMs, error: error.code, part: changed }))
    if (step.do === 'again') return again(step.state, nowMs + step.afterMs)
    if (step.do === 'mailbox') {
      const seen = part.repeated === true || part.maybeSinceMs !== undefined || error.delivered === 'maybe'
      const waiting: Part = { ...part, handle: undefined, ...(seen ? { repeated: true } : {}) }
      return unlessArrived((db) => {
        const nudge = error.code === 'window_closed' ? nudgeFor(db, waiting, outlet.adapter) : null
        markAgain(db, row.key, { state: 'mailbox', nextAtMs: 0, error: error.code, part: waiting })
        if (nudge) addPart(db, { part: nudge }, nowMs)
      })
    }
    if (step.do === 'bare') {
      const bare: Part =
        step.drop === 'handle' ? { ...part, handle: undefined } : { ...part, to: { ...part.to, thread: undefined } }
      return again('queued', nowMs, bare)
    }
    if (step.do === 'pause') {
      gate.pause(step.afterMs)
      return again('queued', nowMs + step.afterMs)
    }
    if (step.do === 'lower') {
      const [lower, ...others] = deps.lower(part, outlet.capabilities, error.why) ?? []
      if (!lower) return unlessArrived((db) => markEnded(db, row.key, 'dead', error.message, nowMs))
      return unlessArrived((db) => {
        markAgain(db, row.key, {
          state: 'queued',
          nextAtMs: nowMs,
          error: error.code,
          part: { ...lower, key: part.key },
        })
        for (const other of others) addPart(db, { part: other }, nowMs)
      })
    }
    await unlessArrived((db) => {
      markEnded(db, row.key, 'dead', error.message, nowMs)
      if (step.lane) endLane(db, row.lane, error.message, nowMs)
    })
  }

  /** A failure that is told twice at once is looked at the second time when the first is on disk. */
  const inTurn = makeTurns()

  /** Resolves to the conversations that have something to send by it. A report that comes again changes nothing. */
  const report = (platform: string, told: SendReport, outlet: Outlet, gate: Gate): Promise<readonly string[]> => {
    const take = () => takeReport(platform, told, outlet, gate)
    return told.outcome === 'failed' ? inTurn(take) : take()
  }

  const takeReport = async (
    platform: string,
    { key, message, outcome, error }: SendReport,
    outlet: Outlet,
    gate: Gate,
  ): Promise<readonly string[]> => {
    const row = deps.store.read((db) => {
      const byKey = key === undefined ? null : partRow(db, key)
      return byKey ?? (message === undefined ? null : partByMessage(db, platform, message))
    })
    if (row?.part.to.platform !== platform) return []
    const underWay = row.state === 'sending' || row.state === 'unknown'
    // What names an earlier try says nothing about the present one.
    const isEarlier = row.message !== null && message !== undefined && (row.message === message) === underWay
    if (isEarlier || !(underWay || row.state === 'sent')) return []
    if (outcome !== 'failed') {
      const receipt: Receipt = { via: 'push', ...(message === undefined ? {} : { message }) }
      if (!underWay && outcome === 'sent') return []
      await keep((db) => {
        if (underWay) markSent(db, row.key, receipt, deps.now())
        if (outcome !== 'sent') markReported(db, row.key, outcome)
      })
      return []
    }
    const { code = 'rejected', about = 'the platform gives no reason' } = error ?? {}
    // What is told of a message comes behind its being sent, also where that is written down only now.
    await failed({ ...row, state: 'sent' }, row.part, outlet, gate, new SendError(code, about))
    return [row.lane]
  }

  return { sendOne, report }
}

/** Whatever else an adapter throws may have left us: treated as unavailable, perhaps delivered. */
const toSendError = (error: unknown): SendError =>
  error instanceof SendError
    ? error
    : new SendError('unavailable', error instanceof Error ? error.message : String(error), {
        delivered: 'maybe',
        cause: error,
      })
