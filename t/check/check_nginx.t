#!/usr/bin/perl

# pimap-check finds faults of nginx: its configuration, its module, the process
# that runs, and the locations.

use strict;
use warnings;

use File::Copy qw(copy);
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Check;

my $t = Pimap->new(mode => '', allow => qr/\[emerg\]/);
my $dir = $t->dir();
my $module = "$dir/ngx_pimap_module.so";

copy($t->module(), $module) or die "$module: $!\n";
$ENV{PIMAP_MODULE} = $module;

$t->plan(19);
Pimap::Check->set_up($t);
$t->redis()->start();

my $check = Pimap::Check->new(t => $t);
my $good = $t->nginx()->conf();

# The configuration

conf($good);
$check->run('--nginx', "$dir/none");
$check->is('nginx.configuration:absent', 'fail', qr/no such program/,
    qr/install nginx/, 'nginx is not there');

conf($good =~ s/pimap_status/pimap_statuses/r);
$check->run();
$check->is('nginx.module:directive', 'fail',
    qr/unknown directive "pimap_statuses"/,
    qr/load_module/, 'an unknown directive');

conf($good =~ s/^load_module.*//mr);
$check->run();
$check->is('nginx.module:directive', 'fail',
    qr/unknown directive "pimap_redis"/,
    qr/load_module/, 'the module is not loaded');

conf($good =~ s/listen 127\S+ /listen 127.0.0.1:x /r);
$check->run();
$check->is('nginx.configuration:refused', 'fail',
    qr/invalid port in "127.0.0.1:x"/,
    qr/nginx -t/, 'another error');

conf("pid $dir/nginx.pid;\nerror_log $dir/error.log;\nevents {}\n"
    . "http { access_log off; }\n");
$check->run();
$check->is('nginx.module:not-loaded', 'fail',
    qr/does not load/, qr/load_module/,
    'neither the module nor a directive of it');
$check->is('nginx.events:none', 'fail', qr/no location/, qr/pimap\.conf/,
    '    no location for devices');

# The locations

conf($good =~ s/auth_basic pimap;//r);
$check->run();
$check->is('nginx.login:none', 'fail',
    qr/checks no password/, qr/auth_request/,
    'a location without a login');
$check->is('nginx.warning:module', 'warn', qr/pimap/, qr/./,
    '    nginx has warned of it');

conf($good =~ s/auth_basic pimap;/pimap_account \$arg_account;/r);
$check->run();
$check->is('nginx.login:unchecked', 'warn',
    qr/pimap_account is "\$arg_account"/,
    qr/strangers/, 'an account that anybody may name');

conf($good =~ s/location = \/pimap\/publish .*//r);
$check->run();
$check->is('nginx.publish:none', 'warn', qr/no location/, qr/Dovecot/,
    'no location for publishers');

# The process

conf($good);
$check->run();
$check->is('nginx.running:stopped', 'fail',
    qr/no master process/, qr/start nginx/,
    'nginx does not run');
$check->is('status.ready:away', 'fail', qr/http:\/\/127/, qr/start nginx/,
    '    nor answer');

$t->run();
Pimap::Check->ready($t);
$check->run();
$check->is('nginx.running', 'pass', qr/process/, qr/^$/, 'nginx runs');

utime(time() + 10, time() + 10, "$dir/nginx.conf");
$check->run();
$check->is('nginx.reload:older', 'warn', qr/nginx\.conf is newer/, qr/reload/,
    'its configuration was changed after its start');

copy($t->module(), "$module.new") or die "$module.new: $!\n";
rename("$module.new", $module) or die "$module: $!\n";
$check->run();
$check->is('nginx.running:old-module', 'fail', qr/older file of the module/,
    qr/upgrade/, 'the module was changed after its start');

# The status location lets nobody in.

conf($good =~ s/(pimap_status;)/deny all; $1/r);
$t->nginx()->{process}->signal('HUP');
$t->wait_for(sub { $t->get('/pimap/status')->{status} == 403 }, 'a reload');
$check->run();
$check->is('status.ready:denied', 'fail', qr/answers 403/, qr/allow/,
    'the status location lets this host not in');

# The process is of a time before the module.

$t->nginx()->stop();
conf("daemon off;\npid $dir/nginx.pid;\nerror_log $dir/error.log;\n"
    . "events {}\nhttp { access_log off; server { listen 127.0.0.1:"
    . $t->port('http') . "; } }\n");

my $process = $t->start(command => ['/usr/sbin/nginx', '-e',
    "$dir/error.log", '-c', "$dir/nginx.conf"], output => "$dir/nginx.out");

$t->wait_for(sub { -s "$dir/nginx.pid" }, 'nginx');
conf($good);
$check->run();
$check->is('nginx.running:no-module', 'fail',
    qr/without the module/, qr/reload/,
    'the process is older than the module');
$t->stop($process);

# Included files
mkdir("$dir/conf.d");
$t->write_file("$dir/conf.d/$_.conf", "# $_ {\n") for 'a';
conf($good =~ s/(http \{)/$1\n    include conf.d\/*.conf;/r);
$t->write_file("$dir/conf.d/b.conf", 'map $arg_x $y { "~^a{2}$" "}"; }');
$check->run();
$check->is('nginx.configuration', 'pass', qr/nginx\.conf/, qr/^$/,
    'included files, and braces in strings');
is($check->result('nginx.events'), 'pass', '    the locations are found');


sub conf { $t->write_file("$dir/nginx.conf", $_[0]) }
