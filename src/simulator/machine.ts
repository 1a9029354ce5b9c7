import { nodes } from './nodes.ts'

const memory = 25_276_502_016
const free = 24_240_676_864

/** A small machine without a graphics card; `argv` is full of paths, as on a real one. */
export function systemStats(host: 'new' | 'old'): object {
  const [frontend, templates] = host === 'new' ? ['1.49.6', '0.11.44'] : ['1.27.10', '0.1.95']
  const installed = (name: string, version: string) => ({ name, installed: version, required: version })
  const packages = [
    installed('comfyui-frontend-package', frontend),
    installed('comfyui-workflow-templates', templates),
    installed('comfyui-embedded-docs', '0.5.10'),
  ]
  return {
    system: {
      os: host === 'new' ? 'linux' : 'posix',
      ram_total: memory,
      ram_free: free,
      comfyui_version: host === 'new' ? '0.33.0' : '0.3.64',
      required_frontend_version: frontend,
      installed_templates_version: templates,
      required_templates_version: templates,
      ...(host === 'new' ? { comfy_package_versions: packages } : {}),
      python_version: '3.11.7 (simulated)',
      pytorch_version: '2.14.1+cu130',
      embedded_python: false,
      ...(host === 'new' ? { deploy_environment: 'local-git' } : {}),
      argv: ['main.py', '--cpu', '--output-directory', '/comfy/run/output', '--input-directory', '/comfy/run/input'],
    },
    devices: [
      {
        name: 'cpu',
        type: 'cpu',
        index: null,
        vram_total: memory,
        vram_free: free,
        torch_vram_total: memory,
        torch_vram_free: free,
      },
    ],
  }
}

/** Node schemas by class; an unknown class gives an empty object. */
export function objectInfo(only: string | null): object {
  const names = Object.keys(nodes).filter((name) => only === null || name === only)
  return Object.fromEntries(
    names.map((name) => {
      const { title, category, inputs, returns, output = false } = nodes[name] as (typeof nodes)[string]
      return [
        name,
        {
          input: { required: inputs },
          input_order: { required: Object.keys(inputs) },
          is_input_list: false,
          output: returns,
          output_is_list: returns.map(() => false),
          output_name: returns,
          name,
          display_name: title,
          description: '',
          python_module: 'nodes',
          category,
          output_node: output,
          has_intermediate_output: false,
          search_aliases: [],
        },
      ]
    }),
  )
}
