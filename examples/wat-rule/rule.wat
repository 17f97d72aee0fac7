;; A command line with a hundred spaces in a row.
(module
  (import "kestrel" "event_get_str" (func $text (param i32 i32 i32 i32) (result i32)))
  (import "kestrel" "capture_field" (func $capture (param i32) (result i32)))
  (memory (export "memory") 2)

  (func (export "pred_eval") (param $event i32) (result i32)
    (local $at i32)
    (local $run i32)
    (local $length i32)
    ;; 10 is process.command_line. Longer ones than the memory are read up to its end.
    (local.set $length
      (call $text (local.get $event) (i32.const 10) (i32.const 0) (i32.const 131072)))
    (loop $next
      (if (i32.lt_u (local.get $at) (local.get $length))
        (then
          (local.set $run
            (select
              (i32.add (local.get $run) (i32.const 1))
              (i32.const 0)
              (i32.eq (i32.load8_u (local.get $at)) (i32.const 32))))
          (if (i32.eq (local.get $run) (i32.const 100))
            (then
              (drop (call $capture (i32.const 10)))
              (return (i32.const 1))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $next))))
    (i32.const 0)))
