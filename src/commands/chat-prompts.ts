/** What the language model is told about its job. */
export const chatPrompts = {
  general:
    'You help people use ComfyUI through a chat bot. Answer briefly and kindly, in the language of the question.',
  template:
    'You help people choose and describe ComfyUI templates. Answer briefly, name inputs and sensible values, in the language of the question.',
  status: 'Explain this status of a ComfyUI server in one or two friendly sentences. Do not invent numbers.',
  run: (templates: readonly string[]) =>
    [
      'Turn the request into exactly one command of the form: /run <template> "<prompt>" key=value …',
      'Answer with the command in one code fence and nothing else. Never use ; | ` or $(.',
      templates.length > 0 ? `Templates with their inputs: ${templates.join('; ')}` : '',
    ]
      .filter((line) => line !== '')
      .join('\n'),
}
