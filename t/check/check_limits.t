#!/usr/bin/perl

# pimap-check compares limits with a number of devices, and sees whether a
# request with a wrong login is refused.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Check;

my $t = Pimap->new(mode => '', workers => 2, connections => 500);

$t->plan(17);

my $nginx = Pimap::Check->set_up($t);
my $bridge = Pimap::Bridge->new(t => $t);
my $check = Pimap::Check->new(t => $t);

$nginx->{http} = "pimap_zone 256k;\n$nginx->{http}";
$t->redis(options => ['maxclients 100'])->start();
$t->run();
$bridge->start();

# Room for few

$check->run();
is(join(' ', map { $check->result("limits.$_") } qw(connections files backlog
    zone bridge redis)), join(' ', ('pass') x 6), 'room for one device');
$check->run('--devices', 900);
$check->is('limits.connections:reserve', 'warn', qr/room for 980 .* and 900/,
    qr/worker_connections/, 'little in reserve');
$check->run('--devices', 1000);
$check->is('limits.connections:few', 'fail',
    qr/2 workers with 500 .* 980 devices, not 1000/, qr/worker_connections/,
    'too few connections');
$check->run('--devices', 10_000_000);
$check->is('limits.zone:small', 'warn', qr/about \d+ devices, not 10000000/,
    qr/pimap_zone/, 'too small a zone');
$check->is('limits.backlog:short', 'warn', qr/has \d+ places/, qr/somaxconn/,
    'too short a queue');
$check->is('limits.bridge:files', 'warn',
    qr/may open \d+ files/, qr/LimitNOFILE/,
    'too few files of the bridge');

my $conf = $nginx->conf();

$t->write_file($t->dir() . '/nginx.conf', $conf
    =~ s/(pimap_zone)/pimap_max_devices 5; $1/r);
$check->run('--devices', 6);
$check->is('limits.connections:max-devices', 'fail',
    qr/pimap_max_devices is 5/,
    qr/raise pimap_max_devices/, 'a limit of one\'s own');
$t->write_file($t->dir() . '/nginx.conf', $conf);
system('prlimit', '--nofile=40:', '--pid', $_) for $t->workers();
$check->run('--devices', 100);
$check->is('limits.files:few', 'fail', qr/may open 80 files/,
    qr/worker_rlimit_nofile/, 'too few files of workers');

my @clients = map { $t->redis()->connect() } 1 .. 90;

$check->run();
$check->is('limits.redis:clients', 'warn',
    qr/of 100 clients, and/, qr/maxclients/,
    'too few clients of Redis');

# Logins

$check->is('login.none', 'pass', qr/401/, qr/^$/, 'no login: refused');
$check->is('login.wrong', 'pass', qr/401/, qr/^$/, 'a wrong one: likewise');
undef(@clients);
system('prlimit', '--nofile=4096:', '--pid', $_) for $t->workers();
$nginx->{http} =~ s/auth_basic pimap;//;
$t->reload();
$check->run();
$check->is('login.wrong:open', 'fail', qr/password: 200/, qr/auth_request/,
    'nginx checks no password');
$nginx->{http} =~ s/(pimap_events;)/pimap_account someone; $1/;
$t->reload();
$check->run();
$check->is('login.none:open', 'fail',
    qr/without a login: 200/, qr/auth_request/,
    'nginx asks for no login');
$nginx->{http} =~ s/(pimap_events;)/limit_req zone=few; $1/;
$nginx->{http} = "limit_req_zone \$server_name zone=few:1m rate=1r/m;\n"
    . "limit_req_status 429;\n$nginx->{http}";
$t->reload();
$check->run();
$check->is('login.wrong:later', 'warn',
    qr/429/, qr/later/, 'a limit on requests');
$check->run('--url', "https://localhost:@{[ $t->port('push') ]}/none");
$check->is('login.wrong:other', 'warn', qr/404 instead of 401/, qr/--url/,
    'another path');
$t->nginx()->stop();
$check->run();
$check->is('login.none:no-answer', 'fail',
    qr/refused/i, qr/error log/, 'no nginx');
$check->is('limits.files:no-worker', 'unknown', qr/no worker/, qr/start nginx/,
    '    and no worker');
