"""Medical series and volumes: from DICOM and NIfTI to folders of slices, and back."""
