/**
 * Says what a file is that was given where safetensors was expected, and what to do about it; undefined if it is
 * nothing we know. Only the first bytes are looked at: such a file is named, never parsed.
 */
export function recognise(bytes: Uint8Array): string | undefined {
  const head = String.fromCharCode(...bytes.subarray(0, 512));
  return kinds.find((kind) => kind.is(head, bytes))?.advice;
}

/** Two lines, of which a checkpoint that holds more than tensors needs the second with its `["state_dict"]`. */
const inPython = `Python:
    import torch, safetensors.torch
    safetensors.torch.save_file({k: v.contiguous() for k, v in torch.load("net.pth", map_location="cpu", weights_only=True).items()}, "net.safetensors")`;

const zip = "PK\x03\x04";

const kinds: readonly { is: (head: string, bytes: Uint8Array) => boolean; advice: string }[] = [
  {
    is: (head) => /^(\xef\xbb\xbf)?\s*<(!doctype html|html|head|body|\?xml|!--)/i.test(head),
    advice: "this is a web page: the download probably returned an error page; download the file itself again",
  },
  {
    is: (head) => head.startsWith("version https://git-lfs"),
    advice: "this is a Git LFS pointer, not the file that it points to; fetch it with git lfs pull",
  },
  {
    is: (head) => head.startsWith(zip) && /\.(pkl|pt|pth|bin)|\/(version|byteorder|code)/.test(entryName(head)),
    advice: `this is a PyTorch checkpoint (a pickle in a zip), which sec never opens because it can run code; convert it with ${inPython}`,
  },
  {
    is: (head) => head.startsWith(zip) && entryName(head).endsWith(".npy"),
    advice:
      "this is a NumPy .npz archive; convert it in Python: import numpy, safetensors.numpy; " +
      'safetensors.numpy.save_file(dict(numpy.load("net.npz")), "net.safetensors")',
  },
  {
    is: (head) => head.startsWith(zip),
    advice:
      "this is a zip archive; unpack it, or convert it with safetensors.torch.save_file if it is a PyTorch checkpoint",
  },
  {
    is: (_head, bytes) => bytes[0] === 0x80 && bytes[1]! >= 2 && bytes[1]! <= 5,
    advice: `this is a PyTorch pickle, which sec never opens because it can run code; convert it with ${inPython}`,
  },
  {
    is: (head) => head.startsWith("GGUF") || head.startsWith("GGML"),
    advice: "this is a GGUF file; convert its tensors to F32 safetensors",
  },
  {
    is: (head) => head.startsWith("\x93NUMPY"),
    advice: "this is a single NumPy array (.npy); for a .safetensors file use safetensors.numpy.save_file",
  },
  {
    is: (head) => head.startsWith("\x89HDF\r\n"),
    advice: "this is an HDF5 file (Keras); convert it with safetensors.numpy.save_file",
  },
  {
    is: (head) => head.startsWith("\x1f\x8b"),
    advice: "this is gzip data; unpack it first",
  },
  {
    is: (head) => /^\s*[{[]\s*["{[]/.test(head),
    advice: "this is JSON text, not tensors; if it is the index of a sharded checkpoint, join its shards into one file",
  },
];

/** The name of a zip archive's first entry, one character a byte. */
function entryName(head: string): string {
  const length = head.charCodeAt(26) | (head.charCodeAt(27) << 8);
  return head.slice(30, 30 + length);
}
