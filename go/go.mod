module enclavevaults.dev/go

go 1.26
