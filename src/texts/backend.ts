import { clock, duration, short } from './common.ts'

export const backend = {
  online: (facts: {
    version: string | null
    pack: string | null
    running: number
    pending: number
    logs: number
    errors: number
    mine: number
    quotas: readonly { name: string; used: number; limit: number | null }[]
  }) =>
    [
      '[Online] System Status',
      facts.version || facts.pack
        ? `- ComfyUI ${facts.version ?? '?'}${facts.pack ? ` with OpenClaw ${facts.pack}` : ''}`
        : '',
      `- Queue: ${facts.running + facts.pending} (${facts.running} running, ${facts.pending} waiting)`,
      `- Logs: ${facts.logs}`,
      `- Errors: ${facts.errors}`,
      ...facts.quotas.map(({ name, used, limit }) =>
        limit === null
          ? `- ${name}: ${used} messages sent this month`
          : `- ${name}: ${used} of ${limit} messages used this month`,
      ),
      facts.mine > 0 ? `- Your open jobs: ${facts.mine}` : '',
    ]
      .filter((line) => line !== '')
      .join('\n'),
  offline: (why: string, sinceMs: number | null, nowMs: number) =>
    [
      '[Offline] System Status',
      `- Error: ${why}`,
      sinceMs === null ? '' : `- Since: ${clock(sinceMs)} (${duration(nowMs - sinceMs)})`,
    ]
      .filter((line) => line !== '')
      .join('\n'),
  why: {
    down: "ComfyUI can't be reached. Is it running?",
    unanswered: 'ComfyUI did not answer in time.',
    denied:
      'The backend refused my admin token (HTTP 403). The operator has to make OPENCLAW_CONNECTOR_ADMIN_TOKEN match.',
    readsDenied:
      'The backend does not let this machine read that. The operator has to set OPENCLAW_CONNECTOR_OBS_TOKEN to its OPENCLAW_OBSERVABILITY_TOKEN.',
    limited: (retryMs: number | null) =>
      `The backend asks me to wait${retryMs === null ? '' : ` ${duration(retryMs)}`}. Try again then.`,
    missing: 'The backend does not know that.',
    unsupported: 'This ComfyUI version does not offer that.',
    packMissing: 'ComfyUI runs, but its OpenClaw node pack did not load.',
    other: 'The backend gave an answer I could not use. The operator finds more in the log.',
  },
  sorry: (why: string, sinceMs: number | null, nowMs: number) =>
    sinceMs === null ? why : `${why} It has been away since ${clock(sinceMs)} (${duration(nowMs - sinceMs)}).`,
  templatesNone: 'The backend has no templates. The operator adds them to the OpenClaw template folder.',
  templatesHead: (n: number) => `Templates (${n}):`,
  templatesMore: (n: number) => `… and ${n} more. /templates <beginning of a name> narrows it down.`,
  templatesFoot: (example: string) => `/templates <id> shows inputs and defaults. Example: ${example}`,
  templatesOld: (ageMs: number) => `(list from ${duration(ageMs)} ago; the backend does not answer right now)`,
  templateUnknown: (id: string, nearest: string | null) =>
    `There is no template called ${id}.${nearest ? ` Did you mean ${nearest}?` : ''} /templates lists them.`,
  template: (id: string, inputs: readonly string[], defaults: readonly string[], example: string) =>
    [
      `Template ${id}`,
      `Inputs: ${inputs.length > 0 ? short(inputs.join(', '), 1000) : 'not declared'}`,
      defaults.length > 0 ? `Defaults:\n${defaults.join('\n')}` : '',
      `Example: ${example}`,
    ]
      .filter((line) => line !== '')
      .join('\n'),
  schedulesNone: 'No schedules found.',
  schedulesHead: 'Schedules:',
  schedule: (s: { id: string; enabled: boolean; name: string; when: string; template: string }) =>
    `[${s.enabled ? '+' : '-'}] ${s.id}: ${short(s.when, 40)} - ${short(s.template, 60)}${s.name ? ` (${short(s.name, 40)})` : ''}`,
  schedulesMore: (n: number) => `… and ${n} more.`,
  scheduleRuns: (id: string) => `[Success] Schedule ${id} triggered manually.`,
  scheduleSet: (id: string, on: boolean) => `Schedule ${id} is ${on ? 'on' : 'off'}.`,
  scheduleUnknown: (id: string) => `There is no schedule ${id}. /schedules lists them.`,
  every: (seconds: number) => `every ${duration(seconds * 1000)}`,
  jobsHead: (running: number, pending: number) => `Queue: ${running} running, ${pending} waiting`,
  jobsEmpty: 'No active jobs.',
  jobsShowing: (shown: number, total: number) => `Showing ${shown} of ${total}.`,
  trace: (id: string, lines: readonly string[]) => `Trace ${id}:\n${lines.join('\n')}`,
  traceNone: (id: string) => `ComfyUI has no record of ${id}. Records are lost when it restarts.`,
}

export const chat = {
  notConfigured: '[Chat Error] LLM not configured. The operator sets a provider and key in OpenClaw.',
  blocked: '[Blocked] I can not pass that on. Say plainly what you want to make.',
  suggestion: (command: string) => `Try this (I did not run it):\n\`\`\`\n${command}\n\`\`\``,
  busy: 'The language model is busy with others. Try again in a minute.',
  noSuggestion:
    'I could not turn that into a safe command. Use /run <template> <words>; /templates shows what there is.',
  removed: '(removed by policy)',
  safeMode: '[Safe Mode]',
  empty: 'The language model gave an empty answer. Try other words.',
  keyInvalid: '[LLM Error] The provider refused the key. The operator has to check it in OpenClaw.',
  limited: '[LLM Error] The provider is rate limiting. Try again in a minute.',
  overloaded: '[LLM Error] The provider is overloaded. Try again later.',
  other: '[LLM Error] The language model did not answer. The operator finds more in the log.',
}
