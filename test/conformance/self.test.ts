import { describe, expect, it } from 'vitest'
import { cases, runCase } from './adapter.ts'
import { type Fault, startDummy } from './dummy.ts'
import { type InlineFault, startInlineDummy } from './dummy-inline.ts'
import type { Start } from './rig.ts'

const HEAR_MS = 200

/** Names of the cases that do not hold; with `only`, of those whose name contains it. */
async function broken(start: Start, only = ''): Promise<readonly string[]> {
  const { module } = await start()
  if (!module) throw new Error('a dummy brings its module')
  const names: string[] = []
  for (const one of cases.filter(({ name }) => name.includes(only))) {
    const held = await runCase(one, module, start, HEAR_MS).then(
      () => true,
      () => false,
    )
    if (!held) names.push(one.name)
  }
  return names
}

/** Each planted mistake, and the promise it breaks. */
const streamFaults: Readonly<Record<Fault, string>> = {
  'a new id for a redelivery': 'a redelivery brings the same event id',
  'one id for all': 'the same words said twice are two events',
  'own messages unmarked': 'our own message coming back is marked as ours, or left out',
  'bots unmarked': 'a message of another bot is marked as one, or left out',
  'all group talk addressed': 'talk in a group that does not name us is not taken as addressed to us',
  'the mention left in': 'a group message that names us arrives without the mention',
  'the thread forgotten': 'an answer to what was said in a thread lands there',
  'a date object in the event': 'events are plain data',
  'an admin chat as address': 'an answer to what was said in a group lands there',
  'a text limit too high': 'a text of the declared length is shown whole',
  'markup eaten': 'characters of markup stay what they are',
  'a file limit too high': 'each declared way of sending an image works',
  'the caption dropped': 'each declared way of sending a file works',
  'a hang-up told as not delivered': 'answer_lost is reported',
  'a wait in seconds': 'rate_limited is reported',
  'a refused token told as unavailable': 'auth is reported',
  'a refused file told as rejected': 'a refused file is reported as media_rejected',
  'a send that ignores the abort': 'aborting a send that hangs ends it at once',
  'a stream that ignores the abort': 'aborting ends the streams at once',
  'the pressed action lost': 'a pressed button comes back as what it stands for',
  'an edit sent anew': 'an edit changes the message that is shown',
  'a gone edit passed over': 'an edit of a message that is gone says so',
  'the cursor moved before keeping': 'what could not be kept comes again',
  'the token in the log': 'a short text is shown as it is',
  'the token in an error': 'unavailable is reported',
  'a fresh key per attempt': 'the same part sent twice is shown once',
  'a lost quote stops the answer': 'an answer quotes the message it answers',
  'everything sent to the one who wrote last': 'a person who never wrote to us can be written to',
  'a typing sign declared and missing': 'the table says exactly what the adapter has',
}

const inlineFaults: Readonly<Record<InlineFault, string>> = {
  'any secret taken': 'every forgery is refused',
  'the body read before the check': 'every forgery is refused',
  'a promise without a token': 'without a token nothing can be promised',
  'a promise that forgets the token': 'the token brings it later',
  'a used token told as sent': 'the token brings it later',
  'an answer of the wrong version': 'an open request is answered with the part',
  'no answer where there is nothing to say': 'a request without an answer is closed',
  'a repeat unmarked': 'a part that may have arrived before says so',
  'typed words cut': 'a pressed button comes back as what it stands for',
  'one text of three': 'one call carries as many texts as declared',
}

describe('the suite over adapters in memory', () => {
  it('finds nothing wrong with a faultless stream adapter', async () => {
    expect(await broken(startDummy(null))).toEqual([])
  })

  it('finds nothing wrong with a faultless adapter that answers inline', async () => {
    expect(await broken(startInlineDummy(null))).toEqual([])
  })

  it.each(Object.entries(streamFaults) as [Fault, string][])('notices %s', async (fault, promise) => {
    expect(await broken(startDummy(fault), promise)).toHaveLength(1)
  })

  it.each(Object.entries(inlineFaults) as [InlineFault, string][])('notices %s', async (fault, promise) => {
    expect(await broken(startInlineDummy(fault), promise)).toHaveLength(1)
  })
})
