/** The catalogue: everything a person reads. Short, friendly, says what to do next. No ids of other people, no
 *  stack traces, no paths, no secrets. */
const minute = 60_000

export const duration = (ms: number): string => {
  const seconds = Math.min(Math.max(0, Math.round(ms / 1000)), 1e10)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60 === 0 ? '' : `${seconds % 60} s`}`.trim()
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
}

export const size = (bytes: number): string =>
  bytes < 1024 * 1024 ? `${Math.max(1, Math.round(bytes / 1024))} kB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`

/** Times come from the backend too, where a number can be anything. */
export const clock = (ms: number): string =>
  Math.abs(ms) <= 8.64e15 ? `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC` : 'some time'

/** Names and values come from outside, where they can be of any length. */
export const short = (text: string, max: number): string =>
  text.length > max
    ? `${text
        .slice(0, max - 1)
        .toWellFormed()
        .trimEnd()}…`
    : text

/** A value of an input as a person (and ComfyUI, which converts numbers) can read it. */
export const inputText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

const plural = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`

export const common = {
  busy: (retryMs: number) =>
    `Busy: too many of your messages are waiting. Try again in ${duration(Math.max(retryMs, 5000))}.`,
  stale: (ageMs: number) =>
    `I was away when you sent this (${duration(ageMs - (ageMs % minute))} ago), so I did not run it. Send it again if you still want it.`,
  rateLimited: (who: 'user' | 'channel', retryMs: number) =>
    who === 'user'
      ? `Slow down a little: you can send the next command in ${duration(retryMs)}.`
      : `This chat is sending commands too fast. Next one in ${duration(retryMs)}.`,
  tooLong: (length: number, max: number) =>
    `That command is too long (${length} characters). The most I take is ${max}.`,
  unbalanced: 'I could not read that: a quotation mark is not closed. Put the text between two " marks.',
  unknown: (word: string, nearest: string | null) =>
    nearest
      ? `I don't know ${word}. Did you mean ${nearest}? /help lists what you can do.`
      : `I don't know ${word}. /help lists what you can do.`,
  talk: 'Send me a command and I get to work. /help lists what you can do, /templates what you can make.',
  notUsable: 'Thanks, but I can only work with text and pictures here. /help shows what to write.',
  heard: (text: string) => `I heard: "${text}". Nothing has been run. Send it as text if that is what you meant.`,
  heardLabel: 'Yes, do it',
  failed: (reference: string) =>
    `Something went wrong on my side. It has been noted under ${reference}; please tell the operator.`,
  denied: {
    'not-in-allow-list':
      '[Access Denied] You are not on the list for this command. Ask the operator to add you; /whoami shows your id.',
    'admin-only': '[Access Denied] This command needs an admin. /whoami shows your id for the operator.',
    'not-for-strangers':
      '[Access Denied] This command is for people the operator has listed. /whoami shows your id for the operator.',
    'unproven-sender':
      '[Access Denied] This chat can not prove who you are, so admin commands are off here. The operator can switch the proof on.',
    'admin-token-missing':
      '[Access Denied] Admin commands need OPENCLAW_CONNECTOR_ADMIN_TOKEN. The operator sets it and restarts the connector.',
    other: '[Access Denied] You may not use this command here.',
  } as Readonly<Record<string, string>>,
  usage: (usage: string, example: string) => `Usage: ${usage}\nExample: ${example}`,
  mailboxWaiting: (n: number) => `${plural(n, 'answer')} waiting for you: /inbox`,
  mailboxEmpty: 'Nothing is waiting for you.',
  mailboxMoreLabel: (n: number) => `More (${n})`,
  pressExpired: 'This button has expired. Send the command instead; /help lists them.',
  pressUsed: 'This button has already been used.',
  pressNotYours: 'This button is not for you.',
  plural,
}
