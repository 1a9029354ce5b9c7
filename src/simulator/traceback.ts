const lines = {
  new: { execute: 545, get: 344, map: 318, process: 306 },
  old: { execute: 496, get: 315, map: 289, process: 277 },
}

/** What Python prints: full of paths of the server, none of which belongs in a chat. */
export function traceback(host: 'new' | 'old', failed: { readonly type: string; readonly message: string }): string[] {
  const at = lines[host]
  const frame = (file: string, line: number, where: string, code: string) =>
    `  File "/comfy/${file}", line ${line}, in ${where}\n    ${code}\n`
  return [
    frame(
      'execution.py',
      at.execute,
      'execute',
      'output_data, output_ui, has_subgraph = await get_output_data(prompt_id)',
    ),
    frame('execution.py', at.get, 'get_output_data', 'return_values = await _async_map_node_over_list(prompt_id, obj)'),
    frame('execution.py', at.map, '_async_map_node_over_list', 'await process_inputs(input_dict, i)'),
    frame('execution.py', at.process, 'process_inputs', 'result = f(**inputs)'),
    frame('custom_nodes/simulator/__init__.py', 45, 'run', `raise ${failed.type}(message)`),
  ]
}
