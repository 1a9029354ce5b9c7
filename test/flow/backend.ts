import type { Simulator } from '../../src/simulator/index.ts'
import { adminToken } from './harness.ts'

/** A call at the backend as its own web page makes it, past the connector. */
export const atBackend = async (simulator: Simulator, path: string, body: object = {}): Promise<unknown> => {
  const response = await fetch(simulator.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-openclaw-admin-token': adminToken },
    body: JSON.stringify(body),
  })
  return response.json()
}

/** Requests the backend has seen, as `POST /path`, that begin like this. */
export const asked = (simulator: Simulator, beginning: string): readonly string[] =>
  simulator.control
    .requests()
    .map(({ method, path }) => `${method} ${path}`)
    .filter((line) => line.startsWith(beginning))

/** Everything the backend was asked to make, by what was asked for. */
export const prompts = (simulator: Simulator): readonly string[] =>
  simulator.control.jobs().map(({ prompt }) => String(prompt['6']?.inputs.text ?? JSON.stringify(prompt)))
