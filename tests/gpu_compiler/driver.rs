//! RADV's null device: what it tells of a compiled compute pipeline. Only here is Vulkan called, past wgpu, which does not ask for it.
#![allow(unsafe_code, reason = "Vulkan's functions are unsafe")]

use ash::{
    khr::pipeline_executable_properties,
    vk::{self, PipelineExecutableStatisticFormatKHR as Format},
};
use std::ffi::{CStr, c_char};

/// Storage buffers that a kernel binds, at most, behind two uniforms.
const BINDINGS: u32 = 9;

/// A device that compiles for the chip in RADV_FORCE_FAMILY and never runs anything.
pub struct Device {
    // The driver stays loaded as long as this.
    _entry: ash::Entry,
    device: ash::Device,
    properties: pipeline_executable_properties::Device,
}

/// What the driver tells of a pipeline.
pub struct Compiled {
    statistics: Vec<(String, u64)>,
    /// The disassembly.
    pub assembly: String,
    /// Invocations of a wave.
    pub subgroup: u32,
}

impl Compiled {
    /// A statistic by the driver's name for it.
    pub fn statistic(&self, name: &str) -> Result<u32, String> {
        let found = self.statistics.iter().find(|(known, _)| known == name);
        found.and_then(|(_, value)| u32::try_from(*value).ok()).ok_or_else(|| format!("RADV tells no {name:?}"))
    }
}

impl Device {
    /// Opens the null device, with the features that wgpu asks for: robust access changes what the compiler may do.
    pub fn open() -> Result<Self, String> {
        // SAFETY: every structure outlives the call that it is passed to. Nothing is destroyed; the process ends soon.
        unsafe {
            let entry = ash::Entry::load().map_err(|e| e.to_string())?;
            let application = vk::ApplicationInfo::default().api_version(vk::API_VERSION_1_3);
            let info = vk::InstanceCreateInfo::default().application_info(&application);
            let instance = entry.create_instance(&info, None).map_err(|e| e.to_string())?;
            let found = instance.enumerate_physical_devices().map_err(|e| e.to_string())?;
            let physical = *found.first().ok_or("it has no device: does this Mesa know RADV_FORCE_FAMILY?")?;
            let extensions = [pipeline_executable_properties::NAME, ash::ext::robustness2::NAME].map(CStr::as_ptr);
            let mut executables =
                vk::PhysicalDevicePipelineExecutablePropertiesFeaturesKHR::default().pipeline_executable_info(true);
            let mut robust =
                vk::PhysicalDeviceRobustness2FeaturesEXT::default().robust_buffer_access2(true).robust_image_access2(true);
            let mut v11 = vk::PhysicalDeviceVulkan11Features::default()
                .storage_buffer16_bit_access(true)
                .uniform_and_storage_buffer16_bit_access(true);
            let mut v12 = vk::PhysicalDeviceVulkan12Features::default().shader_float16(true).vulkan_memory_model(true);
            let mut v13 = vk::PhysicalDeviceVulkan13Features::default().subgroup_size_control(true);
            let mut features = vk::PhysicalDeviceFeatures2::default()
                .features(vk::PhysicalDeviceFeatures::default().robust_buffer_access(true))
                .push_next(&mut executables)
                .push_next(&mut robust)
                .push_next(&mut v11)
                .push_next(&mut v12)
                .push_next(&mut v13);
            let queues = [vk::DeviceQueueCreateInfo::default().queue_priorities(&[1.0])];
            let info = vk::DeviceCreateInfo::default()
                .queue_create_infos(&queues)
                .enabled_extension_names(&extensions)
                .push_next(&mut features);
            let device = instance.create_device(physical, &info, None).map_err(|e| e.to_string())?;
            let properties = pipeline_executable_properties::Device::new(&instance, &device);
            Ok(Self { _entry: entry, device, properties })
        }
    }

    /// Compiles the entry point `main` of a compute shader. `uniforms` is the number of uniform buffers, which come first.
    pub fn compile(&self, spirv: &[u32], uniforms: u32) -> Result<Compiled, String> {
        self.try_compile(spirv, uniforms).map_err(|e| format!("RADV does not compile it: {e}"))
    }

    fn try_compile(&self, spirv: &[u32], uniforms: u32) -> Result<Compiled, vk::Result> {
        let binding = |number| {
            let buffer = if number < uniforms { vk::DescriptorType::UNIFORM_BUFFER } else { vk::DescriptorType::STORAGE_BUFFER };
            let binding = vk::DescriptorSetLayoutBinding::default().binding(number).descriptor_type(buffer);
            binding.descriptor_count(1).stage_flags(vk::ShaderStageFlags::COMPUTE)
        };
        let bindings: Vec<_> = (0..BINDINGS).map(binding).collect();
        // SAFETY: as in `open`; every handle goes to the device that made it.
        unsafe {
            let device = &self.device;
            let module = device.create_shader_module(&vk::ShaderModuleCreateInfo::default().code(spirv), None)?;
            let set = vk::DescriptorSetLayoutCreateInfo::default().bindings(&bindings);
            let sets = [device.create_descriptor_set_layout(&set, None)?];
            let layout = device.create_pipeline_layout(&vk::PipelineLayoutCreateInfo::default().set_layouts(&sets), None)?;
            let stage = vk::PipelineShaderStageCreateInfo::default()
                .flags(vk::PipelineShaderStageCreateFlags::ALLOW_VARYING_SUBGROUP_SIZE)
                .stage(vk::ShaderStageFlags::COMPUTE)
                .module(module)
                .name(c"main");
            let capture =
                vk::PipelineCreateFlags::CAPTURE_STATISTICS_KHR | vk::PipelineCreateFlags::CAPTURE_INTERNAL_REPRESENTATIONS_KHR;
            let info = vk::ComputePipelineCreateInfo::default().flags(capture).stage(stage).layout(layout);
            let made = device.create_compute_pipelines(vk::PipelineCache::null(), &[info], None).map_err(|(_, e)| e)?;
            let of = vk::PipelineInfoKHR::default().pipeline(made[0]);
            let executables = self.properties.get_pipeline_executable_properties(&of)?;
            let first = vk::PipelineExecutableInfoKHR::default().pipeline(made[0]).executable_index(0);
            let statistics = self.properties.get_pipeline_executable_statistics(&first)?;
            let value = |s: &vk::PipelineExecutableStatisticKHR<'_>| match s.format {
                Format::INT64 => u64::try_from(s.value.i64).unwrap_or(0),
                Format::UINT64 => s.value.u64,
                _ => 0,
            };
            let statistics = statistics.iter().map(|s| (text(&s.name), value(s))).collect();
            Ok(Compiled { statistics, assembly: self.assembly(&first)?, subgroup: executables[0].subgroup_size })
        }
    }

    /// The disassembly of an executable.
    fn assembly(&self, executable: &vk::PipelineExecutableInfoKHR<'_>) -> Result<String, vk::Result> {
        let get = self.properties.fp().get_pipeline_executable_internal_representations_khr;
        let mut count = 0;
        // SAFETY: first the number is asked for, then the sizes of so many texts, then the texts, into buffers of those sizes.
        unsafe {
            get(self.device.handle(), executable, &mut count, std::ptr::null_mut()).result()?;
            let mut list = vec![vk::PipelineExecutableInternalRepresentationKHR::default(); count as usize];
            get(self.device.handle(), executable, &mut count, list.as_mut_ptr()).result()?;
            let mut texts: Vec<Vec<u8>> = list.iter().map(|entry| vec![0; entry.data_size]).collect();
            for (entry, bytes) in list.iter_mut().zip(&mut texts) {
                entry.p_data = bytes.as_mut_ptr().cast();
            }
            get(self.device.handle(), executable, &mut count, list.as_mut_ptr()).result()?;
            let found = list.iter().zip(&texts).find(|(entry, _)| text(&entry.name).contains("Assembly"));
            let bytes = found.map_or(&[][..], |(_, bytes)| bytes.split(|b| *b == 0).next().unwrap_or_default());
            Ok(String::from_utf8_lossy(bytes).into_owned())
        }
    }
}

fn text(name: &[c_char]) -> String {
    let bytes: Vec<u8> = name.iter().take_while(|c| **c != 0).map(|c| c.to_ne_bytes()[0]).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
