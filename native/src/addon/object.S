/* The compiled BPF programs as bytes of the addon, so that it is one file. */
.section .rodata
.balign 8
.global kestrel_bpf_object
.hidden kestrel_bpf_object
kestrel_bpf_object:
.incbin "collector.bpf.o"
.global kestrel_bpf_object_end
.hidden kestrel_bpf_object_end
kestrel_bpf_object_end:
.section .note.GNU-stack,"",@progbits
