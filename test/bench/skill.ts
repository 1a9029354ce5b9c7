import { readFileSync } from 'node:fs'

export const secret = 'fake-kakao-webhook-secret'
export const botId = '000000000000000000fa4eb0'

const recorded = readFileSync(new URL('../golden/kakao/skill-slash-command.json', import.meta.url), 'utf8')
const person = /"user":\{"id":"(\w+)"/.exec(recorded)?.[1] ?? ''
const utterance = /"utterance":"(?:[^"\\]|\\.)*"/.exec(recorded)?.[0] ?? ''

/** A recorded skill request with another person and another utterance in it, as bytes in a latin1 string. */
const bodyOf = (from: string, text: string): string =>
  Buffer.from(recorded.replaceAll(person, from).replace(utterance, `"utterance":${JSON.stringify(text)}`)).toString(
    'latin1',
  )

const head = (length: number): string =>
  [
    'POST /kakao/webhook HTTP/1.1',
    'Host: 127.0.0.1',
    'Content-Type: application/json;charset=UTF-8',
    'Accept: application/json',
    `X-Kakao-Webhook-Secret: ${secret}`,
    `Content-Length: ${length}`,
    'X-Request-Id: ',
  ].join('\r\n')

const placeholder = 'p'.repeat(person.length)

/** Makes requests: person `p` says `text`, under a request id nobody else uses. Each costs one concatenation. */
export const skillRequests = (text: string, run: string): ((person: number, n: number) => string) => {
  const pieces = bodyOf(placeholder, text).split(placeholder)
  const opening = head(pieces.join(placeholder).length)
  return (who, n) => {
    const id = who.toString(16).padStart(placeholder.length, 'f')
    return `${opening}${run}-${n}\r\n\r\n${pieces.join(id)}`
  }
}
