package doctor

import "golang.org/x/sys/windows"

// space asks the system about the disk under a folder.
func space(folder string) (Volume, error) {
	name, err := windows.UTF16PtrFromString(folder)
	if err != nil {
		return Volume{}, err
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(name, &free, nil, nil); err != nil {
		return Volume{}, err
	}
	return Volume{Free: free}, nil
}
