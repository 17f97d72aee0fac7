// The ordinary work of the web server: visitors, monitoring, an upgrade, a backup, people, and cron's daily round. Much of it
// looks like an attack from one side or another; none of it may alert.

import { createHash } from "node:crypto";
import { at } from "./record-host.mjs";

/** The services that run before the story begins. */
export function startServices({ daemon }) {
  const systemd = daemon(null, "/usr/lib/systemd/systemd", ["/sbin/init"], "root", 1);
  const cron = daemon(systemd, "/usr/sbin/cron", ["/usr/sbin/cron", "-f"], "root", 612);
  const sshd = daemon(
    systemd,
    "/usr/sbin/sshd",
    ["sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups"],
    "root",
    633,
  );
  const exporter = daemon(
    systemd,
    "/usr/bin/prometheus-node-exporter",
    ["/usr/bin/prometheus-node-exporter"],
    "monitor",
    640,
  );
  const nginx = daemon(systemd, "/usr/sbin/nginx", ["nginx: master process /usr/sbin/nginx"], "root", 702);
  const web = [703, 704].map((pid) => daemon(nginx, "/usr/sbin/nginx", ["nginx: worker process"], "www-data", pid));
  const fpm = daemon(
    systemd,
    "/usr/sbin/php-fpm8.2",
    ["php-fpm: master process (/etc/php/8.2/fpm/php-fpm.conf)"],
    "root",
    711,
  );
  const pool = [715, 716, 717].map((pid) =>
    daemon(fpm, "/usr/sbin/php-fpm8.2", ["php-fpm: pool shop"], "www-data", pid),
  );
  return { systemd, cron, sshd, exporter, web, fpm, pool };
}

/** Records all of it on `host`, a recording, with the services of `startServices`. */
export function ordinaryWork(host, services) {
  const { accept, connect, end, file, fork, login, pick, random, run } = host;
  const { systemd, cron, sshd, exporter, web, fpm, pool } = services;
  visitors();
  monitoring();
  upgrade();
  backup();
  people();
  daily();

  function visitors() {
    for (let i = 0; i < 44; i++) {
      const client = `${pick(["192.0.2", "198.51.100", "203.0.113"])}.${1 + Math.floor(random() * 60)}`;
      accept(at(0, 5 + i * 54 + random() * 40), pick(web), client, 443);
    }
    for (let i = 0; i < 22; i++) connect(at(1, i * 105 + random() * 60), pick(pool), "127.0.0.1", 3306);
    for (let i = 0; i < 8; i++) {
      const token = createHash("sha256").update(`session ${i}`).digest("hex").slice(0, 26);
      file(at(2, i * 260 + random() * 90), pick(pool), "creation", `/var/lib/php/sessions/sess_${token}`);
    }
    for (const [minute, hash] of [
      [4, "3f"],
      [15, "a1"],
      [27, "7c"],
    ]) {
      file(at(minute, 12.5), pool[0], "creation", `/var/www/shop/var/cache/twig/${hash}/${hash}09c4be.php`);
    }
    file(at(14, 2.1), pool[2], "creation", "/var/www/shop/public/media/Überraschung-été-写真.jpg");
    for (const minute of [5, 18, 33]) {
      const shell = run(at(minute, 41), pool[1], "/usr/bin/dash", ["sh", "-c", "/usr/sbin/sendmail -t -i"], {
        life: 0.9,
      });
      const mailer = run(at(minute, 41.01), shell, "/usr/sbin/sendmail", "/usr/sbin/sendmail -t -i", { life: 0.8 });
      connect(at(minute, 41.3), mailer, "10.0.20.25", 25);
    }
    const worker = fork(at(20, 7.3), fpm);
    worker.args = ["php-fpm: pool shop"];
    worker.user = "www-data";
    connect(at(20, 9.1), worker, "127.0.0.1", 3306);
  }

  function monitoring() {
    for (let minute = 1; minute < 40; minute += 3) {
      const job = fork(at(minute, 1.002), cron);
      const check = "curl -fsS -o /dev/null http://127.0.0.1/healthz";
      const shell = run(at(minute, 1.01), job, "/usr/bin/dash", ["/bin/sh", "-c", check], {
        user: "monitor",
        life: 0.12,
      });
      const curl = run(at(minute, 1.015), shell, "/usr/bin/curl", check, { life: 0.09 });
      connect(at(minute, 1.04), curl, "127.0.0.1", 80, { delay: minute === 13 ? 1.4e6 : 0 });
    }
    for (let i = 0; i < 13; i++) accept(at(0, 30 + i * 180), exporter, "10.0.20.60", 9100);
  }

  // Debian's package tools do much that looks alarming: rules must tell it from the real thing.
  function upgrade() {
    const timer = run(at(1, 20), systemd, "/usr/bin/python3.11", "/usr/bin/python3 /usr/bin/unattended-upgrade", {
      life: 95,
    });
    const fetch = run(at(1, 24), timer, "/usr/lib/apt/methods/http", "/usr/lib/apt/methods/http", { life: 8 });
    connect(at(1, 24.6), fetch, "192.0.2.80", 80);
    connect(at(1, 25.2), fetch, "192.0.2.81", 80);
    const apt = run(at(1, 40), timer, "/usr/bin/apt-get", "apt-get -y -q upgrade", { life: 60 });
    const configure = run(at(1, 41), apt, "/usr/bin/perl", "/usr/bin/perl -w /usr/sbin/dpkg-preconfigure --apt", {
      life: 3,
    });
    const extract = run(
      at(1, 41.2),
      configure,
      "/usr/bin/apt-extracttemplates",
      "apt-extracttemplates tzdata_2026a.deb",
      { life: 0.5 },
    );
    const script = "/tmp/tzdata.config.Qx81La";
    file(at(1, 41.4), extract, "creation", script);
    run(at(1, 42), configure, script, `${script} configure 2025b-0`, { life: 0.3 });
    file(at(1, 42.6), configure, "deletion", script);
    const dpkg = run(at(1, 45), apt, "/usr/bin/dpkg", "dpkg --unpack --auto-deconfigure rsyslog_8.2302.0-1.deb", {
      life: 20,
    });
    const prerm = run(at(1, 46), dpkg, "/usr/bin/dash", "/bin/sh /var/lib/dpkg/info/rsyslog.prerm upgrade", {
      life: 1.5,
    });
    run(at(1, 46.3), prerm, "/usr/bin/systemctl", "systemctl stop rsyslog.service", { life: 0.7 });
    file(at(1, 48), dpkg, "creation", "/usr/sbin/rsyslogd.dpkg-new");
    file(at(1, 48.2), dpkg, "rename", "/usr/sbin/rsyslogd");
    file(at(1, 48.4), dpkg, "creation", "/usr/lib/systemd/system/rsyslog.service");
    file(at(1, 48.9), dpkg, "creation", "/etc/cron.d/sysstat");
    const postinst = run(at(1, 51), dpkg, "/usr/bin/dash", "/bin/sh /var/lib/dpkg/info/rsyslog.postinst configure", {
      life: 4,
    });
    run(at(1, 51.4), postinst, "/usr/bin/chmod", "chmod 0755 /var/spool/rsyslog", { life: 0.02 });
    run(at(1, 51.6), postinst, "/usr/bin/systemctl", "systemctl daemon-reload", { life: 0.6 });
    run(at(1, 52.4), postinst, "/usr/bin/systemctl", "systemctl start rsyslog.service", { life: 0.5 });
    run(at(1, 52.6), systemd, "/usr/sbin/rsyslogd", "/usr/sbin/rsyslogd -n -iNONE");
    run(at(2, 30), timer, "/usr/bin/touch", "touch /var/lib/apt/periodic/upgrade-stamp", { life: 0.01 });
  }

  function backup() {
    const job = fork(at(5, 1.1), cron);
    const script = run(at(5, 1.12), job, "/usr/bin/bash", "/bin/bash /usr/local/sbin/nightly-backup", { life: 52 });
    const dump = run(at(5, 2), script, "/usr/bin/mysqldump", "mysqldump --single-transaction shop", { life: 11 });
    connect(at(5, 2.1), dump, "127.0.0.1", 3306);
    file(at(5, 2.15), script, "creation", "/var/backups/shop/shop-2026-03-17.sql");
    const tar = "tar -czf /var/backups/shop/site-2026-03-17.tgz /var/www/shop /etc/nginx";
    const archive = run(at(5, 14), script, "/usr/bin/tar", tar, { life: 20 });
    file(at(5, 14.1), archive, "creation", "/var/backups/shop/site-2026-03-17.tgz");
    const copy = run(at(5, 36), script, "/usr/bin/rsync", "rsync -a /var/backups/shop/ backup@10.0.20.30:web-01/", {
      life: 14,
    });
    const ssh = run(
      at(5, 36.1),
      copy,
      "/usr/bin/ssh",
      "ssh -l backup 10.0.20.30 rsync --server -logDtpre.iLsfxCIvu . web-01/",
      { life: 13.7 },
    );
    connect(at(5, 36.3), ssh, "10.0.20.30", 22);
    const tidy = run(at(5, 51), script, "/usr/bin/find", "find /var/backups/shop -mtime +14 -delete", { life: 0.4 });
    file(at(5, 51.2), tidy, "deletion", "/var/backups/shop/site-2026-03-02.tgz");
  }

  /** A login shell with what its profile runs. Returns the shell. */
  function session(time, ip, user) {
    login(time, sshd, ip, user, "success");
    const child = run(time + 2e5, sshd, "/usr/sbin/sshd", [`sshd: ${user} [priv]`]);
    const motd = run(time + 3e5, child, "/usr/bin/run-parts", "run-parts --lsbsysinit /etc/update-motd.d", {
      life: 0.2,
    });
    run(time + 3.5e5, motd, "/usr/bin/uname", "uname -snrvm", { life: 0.01 });
    const shell = run(time + 6e5, child, "/usr/bin/bash", "-bash", { user });
    run(time + 6.4e5, shell, "/usr/bin/id", "id -u", { life: 0.01 });
    return shell;
  }

  function people() {
    // The noise of the internet: few tries from each address, none of them lucky.
    for (const [minute, second, ip] of [
      [2, 11, "192.0.2.77"],
      [2, 14, "192.0.2.77"],
      [2, 18, "192.0.2.77"],
      [2, 23, "192.0.2.77"],
      [16, 50, "198.51.100.9"],
      [16, 56, "198.51.100.9"],
      [31, 8, "192.0.2.141"],
    ]) {
      login(at(minute, second), sshd, ip, "root", "failure");
    }

    login(at(3, 4), sshd, "10.0.5.21", "alice", "failure");
    const alice = session(at(3, 9), "10.0.5.21", "alice");
    const quick = (minute, second, executable, args, life = 0.05) =>
      run(at(minute, second), alice, executable, args, { life });
    quick(3, 20, "/usr/bin/ls", "ls --color=auto -la");
    quick(3, 31, "/usr/bin/cat", "cat /home/alice/.ssh/id_ed25519.pub");
    const pull = quick(3, 50, "/usr/bin/git", "git -C /var/www/shop pull --ff-only", 6);
    const fetch = run(at(3, 50.2), pull, "/usr/bin/ssh", "ssh git@git.example.com git-upload-pack shop.git", {
      life: 4,
    });
    connect(at(3, 50.4), fetch, "10.0.20.5", 22);
    file(at(3, 55), pull, "creation", "/var/www/shop/src/Cart/Voucher.php");
    file(at(3, 55.1), pull, "creation", "/var/www/shop/public/voucher.php", { delay: 1.7e6 });
    const build = quick(4, 20, "/usr/lib/go-1.22/bin/go", "go run ./cmd/deploycheck", 9);
    const link = run(
      at(4, 24),
      build,
      "/usr/lib/go-1.22/pkg/tool/linux_amd64/link",
      "link -o /tmp/go-build29481/b001/exe/deploycheck",
      { life: 1.4 },
    );
    file(at(4, 24.3), link, "creation", "/tmp/go-build29481/b001/exe/deploycheck");
    run(at(4, 26), build, "/tmp/go-build29481/b001/exe/deploycheck", "/tmp/go-build29481/b001/exe/deploycheck", {
      life: 2,
    });
    file(at(4, 28.6), build, "deletion", "/tmp/go-build29481/b001/exe/deploycheck");
    quick(4, 50, "/usr/bin/vim", "vim /etc/nginx/sites-available/shop.conf", 70);
    const sudo = run(at(6, 5), alice, "/usr/bin/sudo", "sudo systemctl reload nginx", { user: "root", life: 0.9 });
    run(at(6, 5.4), sudo, "/usr/bin/systemctl", "systemctl reload nginx", { life: 0.4 });
    quick(6, 30, "/usr/bin/tail", "tail -n 40 /var/log/nginx/error.log");
    quick(7, 5, "/usr/bin/grep", "grep -rn voucher /var/www/shop/src", 0.6);
    quick(9, 2, "/usr/bin/curl", "curl -sI https://shop.example.com/voucher.php", 0.3);
    end(at(10, 40), alice);

    const bob = session(at(17, 33), "10.0.5.34", "bob");
    const step = (minute, second, executable, args, life = 0.05) =>
      run(at(minute, second), bob, executable, args, { life });
    step(17, 48, "/usr/bin/df", "df -h");
    step(18, 12, "/usr/bin/ps", "ps -ef --forest");
    step(19, 5, "/usr/bin/ss", "ss -tlnp");
    const mysql = step(20, 14, "/usr/bin/mysql", "mysql -h 10.0.20.40 shop", 160);
    connect(at(20, 14.2), mysql, "10.0.20.40", 3306);
    const table = step(24, 40, "/usr/bin/crontab", "crontab -e", 44);
    file(at(25, 22), table, "creation", "/var/spool/cron/crontabs/tmp.XyW3aQ");
    file(at(25, 22.1), table, "rename", "/var/spool/cron/crontabs/bob");
    step(26, 30, "/usr/bin/php8.2", "php bin/console cache:clear --env=prod", 5);
    step(28, 3, "/usr/bin/bash", ["bash", "-c", "timeout 1 bash -c '</dev/tcp/10.0.20.40/3306' && echo open"], 0.2);
    step(30, 19, "/usr/bin/tail", "tail -n 100 /var/www/shop/var/log/prod.log");
    end(at(34, 2), bob);
  }

  function daily() {
    const certbot = run(at(12, 15), systemd, "/usr/bin/python3.11", "/usr/bin/python3 /usr/bin/certbot -q renew", {
      life: 8,
    });
    connect(at(12, 17), certbot, "192.0.2.50", 443);
    file(at(12, 21), certbot, "creation", "/etc/letsencrypt/live/shop.example.com/fullchain.pem");

    const job = fork(at(25, 1.1), cron);
    const parts = run(at(25, 1.12), job, "/usr/bin/run-parts", "run-parts --report /etc/cron.daily", { life: 14 });
    const rotate = run(at(25, 2), parts, "/usr/sbin/logrotate", "/usr/sbin/logrotate /etc/logrotate.conf", { life: 4 });
    file(at(25, 3), rotate, "deletion", "/var/log/nginx/access.log.15.gz");
    file(at(25, 3.1), rotate, "rename", "/var/log/nginx/access.log.2.gz");
    file(at(25, 3.2), rotate, "rename", "/var/log/nginx/access.log.1");
    file(at(25, 3.3), rotate, "creation", "/var/log/nginx/access.log");
    file(at(25, 3.6), rotate, "deletion", "/var/log/auth.log.5.gz");
    const passwords = run(at(25, 7), parts, "/usr/bin/dash", "/bin/sh /etc/cron.daily/passwd", { life: 0.4 });
    run(at(25, 7.1), passwords, "/usr/bin/cp", "cp -p /etc/shadow shadow.bak", { life: 0.01 });
    run(at(25, 9), parts, "/usr/bin/dash", "/bin/sh /etc/cron.daily/man-db", { life: 3 });
  }
}
