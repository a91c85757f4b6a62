import { lowerCaseSet } from "../names.ts";

/** Words that a generated name must not be, and names that PyTorch keeps for itself. */

const words = (text: string) => text.trim().split(/\s+/);

const keywords = words(`
  False None True and as assert async await break class continue def del elif else except finally for from global if
  import in is lambda match nonlocal not or pass print raise return try type while with yield case
`);

/** What the generated code calls, and the variables that it names by itself. */
const used = words(`
  F Group INPUTS PICTURES Tensor annotations bool channel_shuffle create dict getattr float int isinstance len math
  module nearest nn range self str super torch tuple
`);

export const pythonWords: ReadonlySet<string> = lowerCaseSet([...keywords, ...used]);

const isKeyword: ReadonlySet<string> = new Set(keywords);

/** Attributes of nn.Module, PyTorch 1.13 to 2.9: a submodule of such a name is in the state_dict, but no attribute. */
const attributes: ReadonlySet<string> = new Set(
  words(`
  T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches eval
  extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict modules mtia
  named_buffers named_children named_modules named_parameters parameters register_backward_hook register_buffer
  register_forward_hook register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
  register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module register_parameter
  register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory
  state_dict to to_empty train training type xpu zero_grad
`),
);

/** A submodule of `self`, to read it. */
export function memberOf(label: string): string {
  if (attributes.has(label)) return `self._modules[${JSON.stringify(label)}]`;
  return isPlain(label) ? `self.${label}` : `getattr(self, ${JSON.stringify(label)})`;
}

/** The statement that makes a submodule of `self`. */
export function memberIs(label: string, value: string): string {
  if (attributes.has(label)) return `self._modules[${JSON.stringify(label)}] = ${value}`;
  return isPlain(label) ? `self.${label} = ${value}` : `self.add_module(${JSON.stringify(label)}, ${value})`;
}

function isPlain(label: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_]*$/.test(label) && !isKeyword.has(label);
}
