import { clock, duration, inputText, oneLine, plural, short, size } from './common.ts'

const values = (inputs: Readonly<Record<string, unknown>>, most = 12): string => {
  const all = Object.entries(inputs)
  const more = all.length > most ? [`… and ${all.length - most} more`] : []
  // Words that have not found their input yet have no name.
  const lines = all
    .slice(0, most)
    .map(([key, value]) => `${key && `${short(oneLine(key), 40)}: `}${short(oneLine(inputText(value)), 120)}`)
  return [...lines, ...more].join('\n')
}

const place = (ahead: number): string => (ahead <= 0 ? 'its turn is now' : `${ahead} ahead of it`)

const noReason = 'ComfyUI gave no reason; its log has more.'

export const jobs = {
  submitted: (template: string, id: string, ahead: number | null) =>
    `[Job Submitted] ${template}${ahead === null ? '' : ` · ${place(ahead)}`}\nID: ${id}`,
  waiting: (template: string, id: string, ahead: number) => `Waiting: ${template} · ${place(ahead)}\nID: ${id}`,
  running: (template: string, id: string, step: { value: number; max: number; percent: number } | null) =>
    step
      ? `Running: ${template} · step ${step.value}/${step.max} · ${step.percent} %\nID: ${id}`
      : `Running: ${template}\nID: ${id}`,
  doneShort: (template: string, id: string, tookMs: number) => `Done: ${template} in ${duration(tookMs)}\nID: ${id}`,
  endedShort: (template: string, id: string, how: string) => `${how}: ${template}\nID: ${id}`,
  held: (sinceMs: number | null) =>
    `ComfyUI can't be reached${sinceMs === null ? '' : ` since ${clock(sinceMs)}`}. I keep your job and submit it when ComfyUI is back within 10 minutes. /cancel stops it.`,
  heldOver: (template: string, id: string) =>
    `${template} waited for ComfyUI to come back; it has been submitted.\nID: ${id}`,
  submitting: (template: string) => `${template} is being submitted. I'll tell you how it goes; /jobs shows it.`,
  caption: (template: string, id: string, tookMs: number | null, inputs: Readonly<Record<string, unknown>>) =>
    [`${template}${tookMs === null ? '' : ` · ${duration(tookMs)}`}`, values(inputs), `ID: ${id}`]
      .filter((line) => line !== '')
      .join('\n'),
  nothingProduced: 'The job finished, but produced nothing I could show.',
  leftOut: (n: number, max: number) =>
    `${n} more not sent (at most ${max} a job). They are in ComfyUI's output folder.`,
  fileTooLarge: (name: string, maxBytes: number) =>
    `${name} is larger than ${size(maxBytes)} and was not sent. It is in ComfyUI's output folder.`,
  fileMissing: (name: string) => `${name} could not be fetched from ComfyUI. It may still be in its output folder.`,
  diskFull: (name: string) =>
    `${name} was not sent: the connector has no room left for files. Tell the operator; it is in ComfyUI's output folder.`,
  textInFile: (name: string, characters: number) => `The whole text (${characters} characters) is in ${name}.`,
  textElsewhere: (characters: number) =>
    `The text has ${characters} characters, too many for this chat. All of it is in ComfyUI's own history until it restarts.`,
  failed: (template: string, id: string, failure: { node: string | null; why: string } | null) =>
    failure
      ? `Failed: ${template}${failure.node ? ` at ${failure.node}` : ''}\n${failure.why}\nID: ${id}`
      : `Failed: ${template}. ${noReason}\nID: ${id}`,
  noReason,
  cancelled: (template: string, id: string) => `Cancelled: ${template}\nID: ${id}`,
  vanishedRestart: (template: string, id: string) =>
    `Lost: ComfyUI was restarted before ${template} finished, so it will not produce anything. Send /run again.\nID: ${id}`,
  vanishedQueue: (template: string, id: string) =>
    `Gone: ${template} was taken out of ComfyUI's queue before it ran. Send /run again if you still want it.\nID: ${id}`,
  expired: (template: string) =>
    `Not run: ComfyUI could not take it for 10 minutes, so I gave up on ${template}. Send /run again later.`,
  unknownOutcome: (template: string, trace: string) =>
    `I can't tell whether ${template} ran: ComfyUI did not answer and has no record I can find. I did not send it again. Trace: ${trace}`,
  unreadable: (template: string, id: string) =>
    `Over: ${template} has ended in ComfyUI, but its record there is too large or damaged, so I can't bring what it made. Look into ComfyUI's output folder.\nID: ${id}`,
  refused: (reason: string) => `[Submission Failed] ${reason}`,
  refusedWhy: {
    denied:
      'The backend did not accept my admin token. The operator has to set OPENCLAW_CONNECTOR_ADMIN_TOKEN to the same value as there.',
    template: (template: string) => `There is no template called ${template}. /templates lists them.`,
    workflow:
      'ComfyUI refused this workflow; a value may be out of range. /templates <id> shows what the template takes.',
    tooLarge: 'The inputs are too large for the backend. Shorten the prompt.',
    packMissing:
      'ComfyUI runs, but its OpenClaw node pack did not load. The operator finds the reason in the ComfyUI log.',
    other: (said: string | null) =>
      said
        ? `The backend refused: ${said}`
        : 'The backend refused without a reason. The operator finds more in the log.',
  },
  slow: (template: string, id: string, limitMs: number) =>
    `${template} has been running for over ${duration(limitMs)}. I keep watching and send the result when it is there.\nID: ${id}`,
  backAgain: (template: string, id: string) => `ComfyUI is back: ${template} has been submitted.\nID: ${id}`,
  noneOfYours: 'You have no jobs yet. /run <template> <words> starts one; /templates shows what there is.',
  notFound: (id: string) => `I know no job ${id} that you may see. /jobs lists yours.`,
  ambiguous: (id: string) => `Several jobs begin with ${id}. Give a few more characters.`,
  stopMaybe:
    '[Stop] I was interrupted while sending the interrupt, so it may have been sent. Send /stop again if something still runs.',
  cancelNone: 'You have no job that could be cancelled.',
  cancelAsked: (n: number) =>
    n === 1 ? '[Stop] Cancellation requested.' : `[Stop] Cancellation requested for ${n} jobs.`,
  cancelOne: (id: string, how: 'asked' | 'finished') =>
    how === 'finished' ? `Job ${id} had already finished.` : `[Stop] Cancellation requested for job ${id}.`,
  notThere: (ids: readonly string[]) =>
    `ComfyUI has no job ${ids.map((id) => short(id, 60)).join(', ')} that waits or runs. /jobs lists what does.`,
  cancelHeld: 'I keep asking it to stop until it answers; the job may go on till then.',
  stopAll: '[Stop] Global interrupt sent: whatever ComfyUI was running is being stopped.',
  tooManyOpen: (max: number) =>
    `You already have ${plural(max, 'job')} waiting. Wait for one to finish, or /cancel one.`,
  place,
  stands: (template: string, id: string, state: string) => `${template}: ${state}\nID: ${id}`,
  headline: (id: string, state: string) => `Job ${id}: ${state}`,
  produced: (names: readonly string[], total: number) =>
    `Produced ${total}: ${names.map((name) => short(name, 80)).join(', ')}`,
  noneOpen: 'None of your jobs is waiting or running.',
  elsewhere: 'started elsewhere',
  tooManyIds: (max: number) => `At most ${max} jobs at once, please.`,
  cancelButton: 'Cancel',
  againButton: 'Run again',
  fetchButton: 'Get the answer',
  choose: (names: readonly string[], more: number) =>
    `Templates: ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}. /templates <id> shows what one takes.`,
  wordsGuessed: (template: string, key: string) =>
    `(I could not read what ${template} takes, so your words went into ${key}. If they have no effect, name the input: prompt="…")`,
  wordsDropped: (words: string) => `(I left out "${words.slice(0, 60)}": the prompt was already given by name.)`,
  state: {
    waiting: 'to be submitted',
    firing: 'being submitted',
    approval: 'waits for approval',
    queued: 'in the queue',
    running: 'running',
    collecting: 'finished, being fetched',
    done: 'done',
    failed: 'failed',
    cancelled: 'cancelled',
    vanished: 'lost',
    expired: 'not run',
    rejected: 'rejected',
    refused: 'refused',
    unknown: 'outcome unknown',
  } as const,
  values,
}
