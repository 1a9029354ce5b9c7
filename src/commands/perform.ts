import { decide } from '../../policy/decide.ts'
import { type Limits, take } from '../../policy/limits.ts'
import { type Capabilities, type InboundEvent, qualified, tenantOf } from '../contract/index.ts'
import { parse } from '../router/parse.ts'
import { findCommand, type Route, route } from '../router/route.ts'
import { actionById, type StoredAction, useActions } from '../store/actions.ts'
import type { KeptEvent } from '../store/inbox.ts'
import { jobByKey } from '../store/jobs.ts'
import { texts } from '../texts/index.ts'
import { type Asker, type Call, type Command, type CommandDeps, type Outcome, say, suggest } from './command.ts'
import { filesAlone, isForUs, remembering } from './files-alone.ts'

export interface PerformDeps extends CommandDeps {
  /** The backend as this tenant sees it. */
  readonly asTenant: (tenant: string) => Pick<CommandDeps, 'backend' | 'templates' | 'llmConfig'>
  readonly limits: Limits
  readonly userRpm: number
  readonly channelRpm: number
  readonly maxCommandLength: number
  /** Whether this was said before, not long ago; from now on it was. */
  readonly toldOnce: (what: string) => boolean
}

export type Taken = Pick<KeptEvent, 'event' | 'verdict' | 'recovered'>

/** What was done, with the word for the record: a command's name, a rule, a reason to stay silent. */
export interface Performed {
  readonly outcome: Outcome
  readonly record: string
  /** A command was meant, so its answer is waited for. */
  readonly explicit: boolean
}

const heardMax = 500
const heardTtlMs = 10 * 60_000

const quiet = (record: string): Performed => ({ outcome: { reply: null }, record, explicit: false })
const done = (outcome: Outcome, record: string): Performed => ({ outcome, record, explicit: true })

/** Whether an event is worth keeping: ordinary talk among people is neither stored nor answered. */
export const concernsUs = (event: InboundEvent, commands: readonly Command[]): boolean =>
  route(event, commands).kind !== 'ignore' || isForUs(event)

/** Whether an event only looks at what is here: it may be performed before it is kept, and again after a crash. */
export const isInstant = (event: InboundEvent, commands: readonly Command[]): boolean => {
  if (event.media.length > 0) return false
  const routed = route(event, commands)
  if (routed.kind === 'call') return routed.command.instant === true
  return routed.kind === 'unknown' || routed.kind === 'unparsable' || routed.kind === 'talk'
}

/** From a kept event to what is said: route, limits, policy, command. Policy comes before any claim. */
export const perform = async (
  taken: Taken,
  capabilities: Capabilities,
  deps: PerformDeps,
  signal: AbortSignal,
): Promise<Performed> => {
  const performed = await act(taken, capabilities, deps, signal)
  return { ...performed, outcome: remembering(taken.event, performed.outcome, deps.now()) }
}

const act = async (
  { event, verdict, recovered }: Taken,
  capabilities: Capabilities,
  deps: PerformDeps,
  signal: AbortSignal,
): Promise<Performed> => {
  const routed = route(event, deps.commands())
  const onlyFiles = async (): Promise<Performed> => {
    const outcome = await filesAlone(event, routed.kind === 'talk', capabilities, deps, signal)
    return outcome ? done(outcome, 'file') : quiet('file, told before')
  }
  if (routed.kind === 'ignore') return isForUs(event) ? onlyFiles() : quiet(routed.why)
  // What was let through before a crash is not counted again.
  const before = recovered === true && deps.store.read((db) => jobByKey(db, event.id)) !== null
  const limited = before ? null : limit(event, capabilities, deps)
  if (limited) return limited
  if (verdict === 'busy') return done(say(texts.busy(0)), 'busy')
  if (verdict === 'stale')
    return routed.kind === 'talk' ? quiet('stale talk') : done(say(texts.stale(deps.now() - event.at)), 'stale')
  if (routed.kind === 'other') return other(event, deps)
  if (routed.kind === 'heard') return done(heard(routed.text), 'heard')
  if (routed.kind === 'talk' && event.media.length > 0) return onlyFiles()
  const meant = routed.kind === 'press' ? pressed(routed.action, event, deps) : typed(routed, event, deps)
  if ('outcome' in meant) return meant
  return call(meant, event, capabilities, deps, signal)
}

interface Meant {
  readonly command: Command
  readonly line: Call['line']
  /** Used up when the press is let through. */
  readonly once: string | null
}

const limit = (event: InboundEvent, capabilities: Capabilities, deps: PerformDeps): Performed | null => {
  const { platform, account, chat } = event.where
  const taken = take(deps.limits, deps.now(), {
    userKey: `${platform} ${account} ${event.from.id}`,
    channelKey: `${platform} ${account} ${chat}`,
    userRpm: deps.userRpm,
    channelRpm: deps.channelRpm,
  })
  if (taken.ok) return null
  // Where the open request is the answer, silence would look like consent.
  return taken.notice || capabilities.answer.inlineMs !== null
    ? done(say(texts.rateLimited(taken.who, taken.retryAfterMs)), 'rate limited')
    : quiet('rate limited')
}

/** Told once in a while: whoever sends ten stickers wants no ten answers. */
const other = (event: InboundEvent, deps: PerformDeps): Performed =>
  deps.toldOnce(`${qualified(event.where.platform, event.from.id)} other`)
    ? quiet('not usable, told before')
    : done(say(texts.notUsable), 'not usable')

/** A machine's hearing is not a person's word: the words are offered back and run when they are confirmed. */
const heard = (text: string): Outcome => {
  const line = text.slice(0, heardMax)
  return say(texts.heard(line), { buttons: [{ label: texts.heardLabel, say: line, ttlMs: heardTtlMs }] })
}

const typed = (
  routed: Exclude<Route<Command>, { kind: 'press' | 'ignore' | 'heard' | 'other' }>,
  event: InboundEvent,
  deps: PerformDeps,
): Meant | Performed => {
  const length = event.body.kind === 'text' ? event.body.text.trim().length : 0
  if (length > deps.maxCommandLength) return done(say(texts.tooLong(length, deps.maxCommandLength)), 'too long')
  if (routed.kind === 'call') return { command: routed.command, line: routed.line, once: null }
  if (routed.kind === 'unknown')
    return done(suggest(texts.unknown(routed.word, routed.nearest), meantBy(routed.nearest, event)), 'unknown command')
  if (routed.kind === 'unparsable')
    return done(say(`${texts.unbalanced}\n${texts.usage(routed.command.usage, routed.command.example)}`), 'unparsable')
  return done(say(texts.talk), 'talk')
}

/** The same line with the command that was probably meant. */
const meantBy = (nearest: string | null, { body }: InboundEvent): { label: string; say: string } | null => {
  const parsed = nearest !== null && body.kind === 'text' ? parse(body.text) : null
  return nearest !== null && parsed?.ok ? { label: nearest, say: `${nearest} ${parsed.line.rest}`.trim() } : null
}

/** A press is the stored command line, said by whoever pressed. Nothing is used up before policy has let them. */
const pressed = (id: string, event: InboundEvent, deps: PerformDeps): Meant | Performed => {
  const no = (text: string, why: string): Performed => done(say(text, { audience: 'asker' }), why)
  const action = deps.store.read((db) => actionById(db, id))
  if (!action || !isHere(action, event) || action.expiresAtMs <= deps.now())
    return no(texts.pressExpired, 'button expired')
  if (action.only !== null && !idsOf(event).includes(action.only)) return no(texts.pressNotYours, 'button of another')
  const parsed = parse(action.say)
  const command = parsed.ok ? findCommand(deps.commands(), parsed.line.word) : null
  if (!parsed.ok || !command) return no(texts.pressExpired, 'button of an older version')
  // Decisions know themselves who decided; every other button of a used group has had its one press.
  if (action.usedBy && command.section !== 'decide') return no(texts.pressUsed, 'button used')
  return { command, line: parsed.line, once: action.once }
}

/** A button is good where it was sent to, and nowhere else: ids of chats may meet in two workspaces. */
const isHere = (action: StoredAction, { where }: InboundEvent): boolean =>
  action.platform === where.platform &&
  action.chat === where.chat &&
  action.tenant === tenantOf(where) &&
  (action.workspace === null || where.workspace === undefined || action.workspace === where.workspace)

const idsOf = (event: InboundEvent): readonly string[] =>
  [event.from.id, ...(event.from.aliases ?? [])].map((id) => qualified(event.where.platform, id))

/** Many platforms tell no name with a message; who decides on a request still has to know whose it is. */
const askerOf = (event: InboundEvent): Asker => ({
  id: qualified(event.where.platform, event.from.id),
  name: event.from.name ?? qualified(event.where.platform, event.from.id),
  who: {
    platform: event.where.platform,
    ids: [event.from.id, ...(event.from.aliases ?? [])],
    chat: event.where.chat,
    proof: event.proof,
  },
})

const call = async (
  { command, line, once }: Meant,
  event: InboundEvent,
  capabilities: Capabilities,
  deps: PerformDeps,
  signal: AbortSignal,
): Promise<Performed> => {
  const asker = askerOf(event)
  const decision = decide(deps.rules, command, asker.who, { forceApproval: false, hasAdminToken: deps.hasAdminToken })
  const denied = (rule: string): Performed =>
    done(say(texts.denied[rule] ?? texts.denied.other ?? '', { audience: 'asker' }), `denied: ${rule}`)
  if (decision.kind === 'deny') return denied(decision.rule)
  // Only a submission can be held for an approver; whatever else would need one is refused.
  if (decision.kind === 'approval' && command.class !== 'run') return denied('other')
  if (decision.kind === 'approval')
    deps.log.info({ sender: asker.id, rule: decision.rule }, 'untrusted sender: needs an approval')
  const outcome = await command.run(
    {
      command,
      line,
      event,
      where: event.where,
      tenant: tenantOf(event.where),
      capabilities,
      asker,
      scope: decision.scope,
      approvalOnly: decision.kind === 'approval',
      signal,
    },
    { ...deps, ...deps.asTenant(tenantOf(event.where)) },
  )
  if (once === null) return done(outcome, command.name)
  const within = outcome.within
  const used: Outcome = {
    ...outcome,
    within: (db) => {
      within?.(db)
      useActions(db, once, asker.id, deps.now())
    },
  }
  return done(used, command.name)
}
