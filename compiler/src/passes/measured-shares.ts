// Written by `npm run bench -- --only steering --update`: see bench/src/steering/measured.ts. Figures are of a thousand, and each set of
// recordings counts the same.

/** Lines of a share and a field: events in which it has a value. */
export const FIELD_SHARES = `
0.9 Effective_process.executable
0.9 Effective_process.name
149 Target.process.executable
149 Target.process.name
149 Target.process.pid
4.1 auditd.data.a0
4.1 auditd.data.a1
4.1 auditd.data.a2
4.1 auditd.data.syscall
2.9 auditd.data.terminal
200 container.id
3.2 data_stream.dataset
16 destination.address
1.8 destination.domain
19 destination.ip
19 destination.port
83 dll.code_signature.exists
83 dll.code_signature.status
83 dll.code_signature.subject_name
83 dll.code_signature.trusted
83 dll.hash.sha256
83 dll.name
83 dll.path
77 dll.pe.imphash
28 dll.pe.original_file_name
29 dns.question.name
751 event.action
773 event.category
673 event.code
766 event.dataset
931 event.kind
642 event.module
83 event.outcome
673 event.provider
0.5 event.severity
773 event.type
83 file.code_signature.status
252 file.extension
86 file.hash.sha256
275 file.name
284 file.path
0.5 file.pe.description
0.7 file.pe.file_version
77 file.pe.imphash
28 file.pe.original_file_name
0.5 file.pe.product
0.5 file.size
14 group.id
13 group.name
827 host.os.type
21 network.direction
35 network.protocol
19 network.transport
9.7 network.type
0.7 process.Ext.protection
104 process.Ext.token.integrity_level_name
331 process.args
328 process.args_count
1.8 process.code_signature.exists
2.1 process.code_signature.status
2.1 process.code_signature.subject_name
1.6 process.code_signature.trusted
329 process.command_line
717 process.executable
0.7 process.exit_code
200 process.group.id
104 process.hash.sha256
801 process.name
303 process.parent.args
303 process.parent.args_count
304 process.parent.command_line
305 process.parent.entity_id
309 process.parent.executable
192 process.parent.group.id
192 process.parent.group.name
308 process.parent.name
324 process.parent.pid
192 process.parent.user.id
192 process.parent.user.name
101 process.pe.company
101 process.pe.description
102 process.pe.file_version
101 process.pe.imphash
50 process.pe.original_file_name
99 process.pe.product
823 process.pid
0.5 process.thread.Ext.call_stack_final_user_module.hash.sha256
0.5 process.thread.Ext.call_stack_final_user_module.name
0.5 process.thread.Ext.call_stack_final_user_module.path
1.1 process.thread.Ext.call_stack_summary
0.7 process.thread.Ext.hardware_breakpoint_set
200 process.user.id
116 process.working_directory
15 registry.data.strings
27 registry.data.type
145 registry.hive
138 registry.key
145 registry.path
145 registry.value
0.7 rule.name
19 source.address
1.4 source.as.number
4.3 source.domain
64 source.ip
56 source.port
307 user.domain
3.4 user.effective.id
380 user.id
555 user.name
38 winlog.event_data.AccessList
0.7 winlog.event_data.AllowedToDelegateTo
0.7 winlog.event_data.AttributeLDAPDisplayName
0.7 winlog.event_data.AttributeValue
35 winlog.event_data.AuthenticationPackageName
148 winlog.event_data.CallTrace
1 winlog.event_data.ClientProcessId
24 winlog.event_data.CommandLine
6.3 winlog.event_data.CreationUtcTime
1.4 winlog.event_data.DestinationIsIpv6
17 winlog.event_data.Details
1.4 winlog.event_data.ElevatedToken
1.5 winlog.event_data.EnabledPrivilegeList
17 winlog.event_data.EventType
148 winlog.event_data.GrantedAccess
43 winlog.event_data.Hashes
13 winlog.event_data.IntegrityLevel
13 winlog.event_data.LogonId
35 winlog.event_data.LogonProcessName
0.7 winlog.event_data.ObjectClass
0.7 winlog.event_data.ObjectDN
2.6 winlog.event_data.OperationType
12 winlog.event_data.ParentProcessId
1.7 winlog.event_data.PreAuthType
51 winlog.event_data.ProcessName
25 winlog.event_data.RelativeTargetName
28 winlog.event_data.ShareName
5 winlog.event_data.Signature
1.4 winlog.event_data.SourceIsIpv6
58 winlog.event_data.SourceUser
0.9 winlog.event_data.StartAddress
33 winlog.event_data.Status
117 winlog.event_data.SubjectLogonId
118 winlog.event_data.SubjectUserName
117 winlog.event_data.SubjectUserSid
149 winlog.event_data.TargetImage
12 winlog.event_data.TargetSid
63 winlog.event_data.TargetUserName
48 winlog.event_data.TargetUserSid
2.6 winlog.event_data.TicketOptions
35 winlog.logon.type
56 winlog.provider_name
`;

/** Lines of a share, a field and a folded text: events that hold it. */
export const TEXT_SHARES = String.raw`
3.3 destination.address 127.0.0.1
3.3 destination.ip 127.0.0.1
82 dll.code_signature.status trusted
81 dll.code_signature.subject_name microsoft windows
5 dll.name kernel32.dll
4.8 dll.name kernelbase.dll
4.8 dll.name msvcrt.dll
5 dll.name ntdll.dll
4.3 dll.name policymanager.dll
3.8 dll.name rpcrt4.dll
3.2 dll.name ws2_32.dll
7.2 event.action connection_attempted
120 event.action creation
16 event.action end
9 event.action exec
3.1 event.action fork
83 event.action load
6.7 event.action logged-in
29 event.action logon-failed
33 event.action modification
180 event.action open
17 event.action start
149 event.category api
49 event.category authentication
149 event.category configuration
198 event.category file
17 event.category iam
83 event.category library
49 event.category network
224 event.category process
145 event.category registry
24 event.code 1
148 event.code 10
117 event.code 12
27 event.code 13
5.8 event.code 4624
30 event.code 4625
12 event.code 4688
25 event.code 5145
83 event.code 7
7 event.module endpoint
32 event.outcome failure
47 event.outcome success
445 event.provider microsoft-windows-sysmon
330 event.type access
54 event.type change
125 event.type creation
6.4 event.type deletion
21 event.type end
7.9 event.type group
47 event.type info
183 event.type start
82 file.code_signature.status trusted
78 file.extension dll
5.3 file.extension exe
74 file.extension py
71 file.extension pyc
3.8 file.extension so
4.9 file.name kernel32.dll
4.8 file.name kernelbase.dll
5 file.name ntdll.dll
225 host.os.type linux
602 host.os.type windows
9.7 network.direction egress
9.1 network.direction ingress
29 network.protocol dns
11 network.transport tcp
8 network.type ipv4
51 process.Ext.token.integrity_level_name high
7.2 process.Ext.token.integrity_level_name medium
37 process.Ext.token.integrity_level_name system
7.6 process.args -a
9.7 process.args -c
4.2 process.args -command
13 process.args -embedding
7.5 process.args -k
16 process.args -n
170 process.args -p
8.4 process.args -s
3.5 process.args -t
4.4 process.args -upload
19 process.args -w
11 process.args /c
3.1 process.args /s
146 process.args /usr/bin/python
7.9 process.args /usr/local/bin/node
4.5 process.args 0xffffffff
17 process.args 1
7.6 process.args install
15 process.args ping
11 process.args python
7.9 process.executable /usr/local/bin/node
3 process.executable /usr/sbin/sshd
11 process.executable c:\windows\explorer.exe
17 process.executable c:\windows\system32\cmd.exe
9.3 process.executable c:\windows\system32\conhost.exe
5 process.executable c:\windows\system32\csrss.exe
7.1 process.executable c:\windows\system32\lsass.exe
4.9 process.executable c:\windows\system32\reg.exe
8 process.executable c:\windows\system32\services.exe
60 process.executable c:\windows\system32\svchost.exe
3.9 process.executable system
185 process.group.id 0
11 process.name backgroundtaskhost.exe
17 process.name cmd.exe
9.3 process.name conhost.exe
3.8 process.name consent.exe
5 process.name csrss.exe
3.9 process.name eclipse.exe
11 process.name explorer.exe
9.1 process.name google chrome
27 process.name iexplore.exe
7.8 process.name lsass.exe
7.9 process.name node
35 process.name ping.exe
11 process.name powershell.exe
153 process.name python
4.9 process.name reg.exe
3.1 process.name regsvr32.exe
6.8 process.name runtimebroker.exe
7.8 process.name services.exe
8.6 process.name sshd
11 process.name sudo
62 process.name svchost.exe
70 process.name sysmon.exe
7.3 process.name wermgr.exe
40 process.name wmiprvse.exe
160 process.parent.args -c
8.7 process.parent.args -s
6.7 process.parent.args /bin/dash
142 process.parent.args /bin/sh
21 process.parent.args dcomlaunch
7.4 process.parent.args install
6.1 process.parent.args schedule
142 process.parent.executable /bin/sh
9.3 process.parent.executable /usr/bin/bash
6.7 process.parent.executable /usr/bin/containerd-shim-runc-v2
8.9 process.parent.executable /usr/local/bin/node
3.3 process.parent.executable c:\windows\explorer.exe
31 process.parent.executable c:\windows\system32\cmd.exe
11 process.parent.executable c:\windows\system32\services.exe
31 process.parent.executable c:\windows\system32\svchost.exe
181 process.parent.group.id 0
11 process.parent.name bash
31 process.parent.name cmd.exe
8.9 process.parent.name dash
4 process.parent.name explorer.exe
8.9 process.parent.name node
10 process.parent.name powershell.exe
11 process.parent.name services.exe
142 process.parent.name sh
31 process.parent.name svchost.exe
181 process.parent.user.id 0
99 process.pe.company microsoft corporation
3.7 process.pe.description windows powershell
3.1 process.pe.original_file_name powershell.exe
3.1 process.pe.original_file_name svchost.exe
6.6 process.pe.original_file_name wermgr
6.7 process.pe.original_file_name wmiprvse.exe
185 process.user.id 0
45 process.working_directory c:\windows\system32\
5.5 source.ip 127.0.0.1
114 user.domain nt authority
194 user.id 0
29 user.id s-1-0-0
63 user.id s-1-5-18
4.6 user.name local service
4.4 user.name network service
196 user.name root
105 user.name system
31 winlog.event_data.AuthenticationPackageName ntlm
5.1 winlog.event_data.Details binary data
3.1 winlog.event_data.EventType setvalue
31 winlog.event_data.GrantedAccess 0x1000
89 winlog.event_data.GrantedAccess 0x1400
14 winlog.event_data.GrantedAccess 0x1fffff
3.5 winlog.event_data.GrantedAccess 0x40
8 winlog.event_data.IntegrityLevel high
3.6 winlog.event_data.IntegrityLevel system
4.8 winlog.event_data.Signature microsoft windows
11 winlog.event_data.SubjectLogonId 0x3e7
22 winlog.event_data.SubjectUserSid s-1-5-18
3.3 winlog.event_data.TargetImage c:\windows\explorer.exe
40 winlog.event_data.TargetUserSid s-1-0-0
33 winlog.logon.type network
`;

/** Lines of a share and of grams, four characters each: folded values that contain it, of the fields that rules match patterns with. */
export const GRAM_SHARES = String.raw`
200 .exe
120 :\wi\sys\winc:\wdowsem32indom32\ndowows\s\systemsysttem3windws\syste
50 /binbin/crosicromicrosofrososoftt.ex
30 -1-5.dll/usr1-5-32\s\micatiochose.exervihostost.pythrvics-1-servst.esvchtestthontionusr/vchoviceytho
20 -21--5-2-wri/pyt2\sv32\c32\w5-21:foo\svcare\at:fcesscmd.cos-d.exe.pyerneestaexplfoo:ftwaicatife!in/pite.lifeloremd.eoft oft\oftwos-wplorprocr/biratirites-wrsr/bstatt:fotat:te.ptwarwarewritxplo
12  -p  4 l aut cos fil lif tes win-5-1-p t.py 2.dl2\cm2\ke2\nt32.d32\k32\n4 li4|c:5-18:\pr:ibm\cmd\dis\ker\ntd\pro\sofacceadmialloase.atesatorauthbasebm 4boxsc:\pcateccesce.ecertcorpcreadisadll+dll.dmine.dle\mielbaerties\dessaexe ficafilegramhellhon horiibm ice.iexpificilesin/sing inisisalistrkernl.dll32.lbasll+9ll.dllowloadlocalowem 4 minimon.n con.exn/pyn/shnelbnistnt antdlntero:ibocalocesograon con.eoo:iore.oreroritowedoxsep tepingprogpy -r.exratore.ere\mreatrityrnelrocerogrrootrtifs.exs\disaccsallse.dse.eshelsmonssacstrasysmt autdlltes\thortifitingtratuseruthovboxwmipxsery -pysmo|c:\
8  (wi (x8 cor ope sys"c:\"ibm(win(x86-0-0-1-0.0.1.080.160.168.com/lib0.0.01.0010108001-0-1.0810.01000101.1601168.192.2.1621-12\vb2\wb2\wi32\p32\v6010800)86)\92.1:"ib\use\vbo\wbe\wmiadmmam fatinaultbem\builb|c:d.16defadmmid|c:eatied\cefauel32ell.em\wemceer.eeraters\ershes (exe"e|c:faulfe!"ft cft wft\sg syg.exgrouhon2icesild.inbuing.inteiprvl.exld.1les lib/ll+1ll+2logdm fim\wmmcermiprmmign2.7namenbuinel3net ng sng.eo:"ion2.oo:"openoperoratorpoowerperaporapoweprvsram rer\rnetrporrsherustrvses (xs\miserssr/lstedt cot wit\sytemcterntrusuildustevse.wbemwed\werswinbx86)xe" 
6  -c  exp pro pyt)\in+103-111-254-314-423.1 (.def05340e790x140|c:1 (w1-311-421400142915-118d02-2521-423052542275729842\co2\se30533142347434|c381-3|c:42-2423042754298474248155347542757385|c:6)\i68.17381742-75738.1.81-3815-84818d0e984899fb9fb1:\us\app\cur\iex\intagenagrab18dc4|cc:\ucatices.commcontcurrd0e7deske79fer\iersies.eesktet eexe+fb18ffsefsecft\wf|c:gentgranh -chklmion\klm\ktopll+6ll+7ll.elm\slogolt\sm\somandmmanoffsoft.ogonolicomicommaoundpdatpolir/lir\ierantrentrrenrsiosh -sionsktot ext.dlt\sot\witaskult\urrevagrversworkx140xe -
4  -n  -w  /c  1 - 100 192 com pin%%44%441+9a3,imp,md5,sha-100-301-c p-fai-n 1-pac-pro-ser-w 1.0.3.0\p.303.7/d.app.net.pyc.win/dis/loc/sh 0 190.170.3000 10319034|0\po1 -w1-101.0\100 11111|c:2.7/256=2\pi2|c:303132\m32\r3c4|4.0.44165-116|c:7/di7|c:83999a3c9|c:\\*\\ato\con\fra\loc\pin\pol\pow\ser\v1.a256a3c4ackaackgagesaileamewanagapplarchash=askhasteatomaunca|c:b/pybackbashbb|cc pycal/chrociesckagckgrcompconhcorecrlsctlsc|c:datadingdiste" /e+10e+13e+14e\poedgeell\embeendeent.entvervees\meworexecfailfor framft\eges/gon-googha1=ha25hashhku\i.dlib/picieies\iledimphist-ity\kagekgrokhosl+17l+9al\v1launlectlicill+3ll+4ll+5ll\vlmssmanamastmd5=mewomicsmphamsspn 1 n-fanagenhosnodentlmntveogleon-fonhoooglows owsppackpendphasplicr/loramere\pred-rer.rounrouprvers\cusha1sha2skhospowssp st-pstert-det-pateamted-timetlmstomitverty\suestunchundtv1.0v4.0w 10ws\cwspoxe+1y\sy
`;
