#!/usr/bin/perl

# The version of the module is in the log at the start, in the status, in its
# file, and the same everywhere.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;

my $t = Pimap->new(workers => 2);
my $root = $t->root();
my ($version) = $t->read_file("$root/pimap/pimap_version.h")
    =~ /PIMAP_VERSION  "([\d.]+)"/;
my ($nginx) = qx(/usr/sbin/nginx -v 2>&1) =~ m{nginx/([\d.]+)};

$t->plan(10);
$t->run();

my $line = qr{\[notice\].* ngx_pimap_module/\Q$version\E for nginx/};

is(scalar($t->log_lines($line)), 1, 'one line at the start');
is(join(' ', @{ $t->status() }{qw(version nginx)}), "$version $nginx",
    'in the status');
like($t->get('/status?format=prometheus')->{body},
    qr/^pimap_build_info\{version="\Q$version\E",nginx="\Q$nginx\E"\} 1$/m,
    'in the metrics');
like($t->read_file($t->module()), qr{ngx_pimap_module/\Q$version\E[ \0]},
    'in the file, for "strings"');
$t->reload();
is(scalar($t->log_lines($line)), 2, 'a line at a reload');

my $bridge = Pimap::Bridge->new(t => $t, imap => $t->port('none'))
    ->start()->wait_healthy();

like($bridge->get('/metrics')->{body},
    qr/^pimap_bridge_build_info\{version="\Q$version\E"\} 1$/m,
    'in the metrics of the bridge');
$bridge->stop();

like($t->read_file("$root/CHANGES"), qr/^Changes with \S+ \Q$version\E /,
    'CHANGES');
like($t->read_file("$root/debian/changelog"), qr/^\S+ \(\Q$version\E\) /,
    'the packages');
like($t->read_file("$root/$_"), qr/^\.TH .* "\S+ \Q$version\E"/m, $_)
    for 'bridge/pimap-bridge.8', 'redis/pimap-load-functions.1';
