import { candidateOf, firewall } from '../../policy/firewall.ts'
import { guard, wantsRun, withoutCommands } from '../../policy/guard.ts'
import type { Failure } from '../backend/http.ts'
import { parse, print } from '../router/parse.ts'
import { texts } from '../texts/index.ts'
import { chatPrompts } from './chat-prompts.ts'
import { type Call, type Command, type CommandDeps, type Outcome, say, sorry, usage } from './command.ts'

/** The language model of the backend. What it suggests is shown, never executed. */
export const chat: Command = {
  name: '/chat',
  aliases: ['chat'],
  class: 'public',
  own: false,
  needsToken: false,
  costs: true,
  section: 'chat',
  usage: '/chat [run|template|status] <words>',
  about: 'Ask the language model; with run it suggests a command for you',
  example: '/chat run a cosy cabin in the woods',
  run: async (call, deps): Promise<Outcome> => {
    const [verb = '', ...words] = call.line.args
    const rest = words.join(' ')
    if (call.line.args.length === 0) return usage(chat)
    if (!deps.talks.enter()) return say(texts.chat.busy)
    try {
      return await talk(verb, rest, call, deps)
    } finally {
      deps.talks.leave()
    }
  },
}

const talk = async (verb: string, rest: string, call: Call, deps: CommandDeps): Promise<Outcome> => {
  const ready = await configured(call, deps)
  if (ready !== true) return ready ? sorry(ready, deps) : say(texts.chat.notConfigured)
  if (verb === 'run') return rest ? suggest(rest, call, deps) : usage(chat)
  if (verb === 'template') return rest ? ask(chatPrompts.template, rest, call, deps) : usage(chat)
  if (verb === 'status') return status(call, deps)
  return converse(call.line.args.join(' '), call, deps)
}

/** A failure: nobody could say. */
const configured = async (call: Call, deps: CommandDeps): Promise<boolean | Failure> => {
  const health = await deps.backend.health({ signal: call.signal })
  if (health.ok && health.value.llmConfigured !== null) return health.value.llmConfigured
  const config = await deps.llmConfig.get({ signal: call.signal })
  if (config.ok) return config.value.apiKeyConfigured ?? config.value.provider !== null
  return health.ok ? config : health
}

const suggest = async (words: string, call: Call, deps: CommandDeps): Promise<Outcome> => {
  const guarded = guard(words)
  if (guarded.kind === 'deny') return say(texts.chat.blocked)
  const list = await deps.templates.get({ signal: call.signal })
  const names = list.ok
    ? list.value.slice(0, 50).map((one) => `${one.id}(${one.allowedInputs.slice(0, 12).join(', ')})`)
    : []
  const answer = await deps.backend.chat(
    { system: chatPrompts.run(names), userMessage: words },
    { signal: call.signal },
  )
  if (!answer.ok) return trouble(answer, deps)
  const candidate = candidateOf(answer.value)
  const parsed = candidate === null ? null : parse(candidate)
  if (!candidate || !parsed?.ok) return say(texts.chat.noSuggestion)
  const checked = firewall(candidate, parsed.line)
  if (!checked.ok || checked.word !== '/run') return say(texts.chat.noSuggestion)
  const flagged = checked.args.some((arg) => arg === '--approval' || arg === '--require-approval' || arg === '-a')
  const approval = guarded.forceApproval && !flagged ? ['--approval'] : []
  return say(texts.chat.suggestion(print(checked.word, [...checked.args, ...approval])))
}

const converse = async (words: string, call: Call, deps: CommandDeps): Promise<Outcome> => {
  const guarded = guard(words)
  if (guarded.kind === 'deny') return say(texts.chat.blocked)
  if (guarded.kind === 'pass') return ask(chatPrompts.general, words, call, deps)
  if (wantsRun(words)) return suggest(words, call, deps)
  const outcome = await ask(chatPrompts.general, words, call, deps)
  const text = outcome.reply?.text ?? ''
  return say(`${texts.chat.safeMode} ${withoutCommands(text, texts.chat.removed)}`)
}

const status = async (call: Call, deps: CommandDeps): Promise<Outcome> => {
  const [health, queue] = await Promise.all([
    deps.backend.health({ signal: call.signal }),
    deps.backend.promptInfo({ signal: call.signal }),
  ])
  if (!health.ok) return sorry(health, deps)
  const facts = {
    errors: health.value.errorsCaptured,
    logs: health.value.logsProcessed,
    queue: queue.ok ? queue.value : null,
  }
  return ask(chatPrompts.status, JSON.stringify(facts), call, deps)
}

const ask = async (system: string, words: string, call: Call, deps: CommandDeps): Promise<Outcome> => {
  const answer = await deps.backend.chat({ system, userMessage: words }, { signal: call.signal })
  if (!answer.ok) return trouble(answer, deps)
  return say(answer.value.trim() === '' ? texts.chat.empty : answer.value)
}

const trouble = (failure: Failure, deps: CommandDeps): Outcome => {
  if (failure.code === 'llm_not_configured') return say(texts.chat.notConfigured)
  if (failure.code === 'provider_auth') return say(texts.chat.keyInvalid)
  if (failure.code === 'provider_limited') return say(texts.chat.limited)
  if (failure.code === 'provider_unavailable') return say(texts.chat.overloaded)
  return failure.code === 'provider_error' ? say(texts.chat.other) : sorry(failure, deps)
}
