// What net_torch.cpp includes of PyTorch's CUDA side, for a PyTorch that has none and the emulation of CUDA: the device is
// the CPU, the stream the default one.
#pragma once

#include <c10/core/Device.h>

#include <cuda_runtime.h>

namespace c10::cuda {

inline DeviceIndex current_device() { return Device(kCPU).index(); }

struct CUDAGuard {
  explicit CUDAGuard(Device) {}
};

inline cudaStream_t getCurrentCUDAStream(DeviceIndex) { return nullptr; }

} // namespace c10::cuda
