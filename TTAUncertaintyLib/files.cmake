# Files that the extension installs. Written by Testing/packaging/update_cmake_lists.py.
# Paths in the first two lists are relative to this folder, in the others to the top folder.

set(TTAUncertaintyLib_SCRIPTS
  "__init__.py"
  "errors.py"
  "geometry/__init__.py"
  "geometry/files.py"
  "geometry/image.py"
  "geometry/lattice.py"
  "geometry/linear.py"
  "geometry/prealignment.py"
  "geometry/resample.py"
  "geometry/sampling.py"
  "models/__init__.py"
  "models/common_lattice.py"
  "models/contract.py"
  "models/lapirn.py"
  "models/lapirn_network.py"
  "models/network_model.py"
  "models/pyramid_flow_network.py"
  "models/weights.py"
  "perturbations/__init__.py"
  "perturbations/actions.py"
  "perturbations/bspline.py"
  "perturbations/design.py"
  "perturbations/designs.py"
  "perturbations/families.py"
  "perturbations/frame.py"
  "perturbations/presets.py"
  "resources.py"
  "sample_data.py"
  "training/__init__.py"
  "training/appearance.py"
  "training/deformations.py"
  "training/evaluation_cases.py"
  "training/label_maps.py"
  "training/losses.py"
  "training/metrics.py"
  "training/perturbation_probe.py"
  "training/synthesis.py"
  "training/train.py"
  "variance/__init__.py"
  "variance/nested.py"
  "version.py"
)

set(TTAUncertaintyLib_DATA
  "py.typed"
)

set(TTAUncertaintyLib_RESOURCE_SCRIPTS
  "Resources/SampleData/make_sample_data.py"
)

set(TTAUncertaintyLib_RESOURCES
  "Resources/SampleData/NOTICE.md"
  "Resources/SampleData/colin27_lesion_mask_1mm.nii.gz"
  "Resources/SampleData/colin27_lesion_t1_1mm.nii.gz"
  "Resources/SampleData/colin27_t1_1mm.nii.gz"
  "Resources/SampleData/colin27_tissues_1mm.nii.gz"
  "Resources/SampleData/mni152_t1_1mm.nii.gz"
  "Resources/SampleData/mni152_tissues_1mm.nii.gz"
  "Resources/SampleData/sample_data.json"
)
