import type { AdapterText } from '../contract/index.ts'
import { size } from './common.ts'

export const help = {
  intro: 'I run ComfyUI for you. What you can do here:',
  sections: { run: 'Make', look: 'Look', decide: 'Decide', chat: 'Talk' } as const,
  demo: 'A connector with a make-believe ComfyUI. Try:  /run portrait prompt="a red fox"   /help   (Ctrl-D ends it)',
  foot: '/help <command> shows usage and an example.',
  start: 'Hello! I run ComfyUI for you and bring the pictures here.',
  also: (words: readonly string[]) => `Also: ${words.join(', ')}`,
  approvalNote: 'Your /run goes to an approver first.',
  may: { allow: 'yes', approval: 'after an approval', deny: 'no' } as const,
  whoami: (facts: { id: string; trust: string; because: string; lines: readonly string[] }) =>
    [`You are ${facts.id}`, `Trust: ${facts.trust} (${facts.because})`, ...facts.lines].join('\n'),
}

/** What an adapter may have to say by itself. */
export const adapterTexts: Readonly<Record<AdapterText, string>> = {
  still_working: 'Still working on it. Send /inbox in a moment to get the answer.',
  fetch_later: 'Get the answer',
  bad_request: '[Error] I could not read that message. Send /help to see what you can do.',
  groups_unsupported: 'I only work in one-to-one chats here. Open a chat with me and send /help.',
  not_listening: 'I was not set up for this channel. Use another one I am in, or open a direct chat with me.',
  maybe_repeated: '(You may have got this already.)',
  empty: '(empty)',
  choose: 'Choose',
  nothing_to_say: 'Got it. /help lists what you can do.',
  no_link: "It can not be shown here until the operator sets a public address. It is in ComfyUI's output folder.",
  without_slash:
    'Where the app keeps words with a slash for itself, leave the slash out: help, run portrait a red fox.',
  not_a_member: 'I am not in this chat, so what follows can not come here. Add me to it now, and it will.',
}

/** Sentences the delivery planner adds by itself. */
export const planTexts = {
  tooLarge: (file: {
    readonly name: string
    readonly bytes: number
    readonly maxBytes: number
    readonly needsLink: boolean
  }) =>
    file.needsLink
      ? `${file.name} can not be shown here until the operator sets a public address. It is in ComfyUI's output folder.`
      : file.maxBytes > 0
        ? `${file.name} (${size(file.bytes)}) is too large for this chat, which takes ${size(file.maxBytes)}. It is in ComfyUI's output folder.`
        : `${file.name} can not be shown in this chat. It is in ComfyUI's output folder.`,
  notAllowed: (name: string) =>
    `${name} could not be sent: I have no right to send files here, which the operator can give me. It is in ComfyUI's output folder.`,
  typeInstead: (says: readonly string[]) => `Reply with: ${says.join('  or  ')}`,
  moreLabel: (n: number) => `More (${n})`,
}
