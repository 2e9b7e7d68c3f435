#!/usr/bin/perl

# The commands of "A cluster" in docs/install.md make a cluster whose events
# reach a device.  Only the ports and the folder are others.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Page;

my $t = Pimap->new();
my $page = Pimap::Page->new($t->root(), 'docs/install.md');
my ($make, $use) = $page->blocks('sh', 'A cluster');
my ($setting) = $page->blocks('nginx', 'A cluster');
my $dir = $t->dir();
my %ports = map { $_ => $t->port("node$_") } 7001 .. 7006;

$t->plan(9);
mkdir("$dir/cluster");
$t->write_file("$dir/cluster/$ports{$_}.bus", $t->port("bus$_"))
    for keys(%ports);

# They stay children of the test, and are stopped with it.  Their bus has ports
# of ours, too: ten thousand more than ours may be in use.

my ($start, $create, $load) = split(/\n/, ours($make->{text}));

ok($start =~ s/ --daemonize yes; done$/ --bind 127.0.0.1 & done; wait/,
    'the nodes are daemons');
$start =~ s/ --port \$port/$& --cluster-port \$(cat \$port.bus)/;
$t->start(command => ['sh', '-c', "cd $dir/cluster && $start"],
    output => "$dir/nodes.out", before => sub {
        run("redis-cli -p $_ SHUTDOWN NOSAVE FORCE 2>&1") for values(%ports)
    });
ok($t->wait_for(sub { !grep { run("redis-cli -p $_ PING 2>&1") ne "PONG\n" }
    values(%ports) }, 'the nodes'), '    all of them start');
like(run($create), qr/All 16384 slots covered/, 'they are a cluster');
ok($t->wait_for(sub { 3 == (() = run("redis-cli -p $ports{7001} CLUSTER NODES")
    =~ /(slave)/g) }, 'replicas'), '    with three replicas');
like(run("$load 2>&1"), qr/^loaded version \d+/m, 'the functions are loaded');

# nginx

$t->nginx()->{http} = ours($setting->{text});
$t->nginx()->start();
ok($t->wait_ready(), 'nginx is ready');

my $s = $t->park('alice');

$s->read_until(qr/: parked\n.*\n\n/);

my ($reload, $publish) = split(/\n/, ours($use->{text}));

is($reload, 'nginx -s reload', 'the reload');
like(run($publish), qr/^\d{19}-1\n\z/, 'an event is published');
is($s->event()->{json}{event}, 'MessageNew', '    the device has it');


# With our ports, and the program of the source.

sub ours {
    my ($text) = @_;

    my $program = $t->root() . '/redis/pimap-load-functions';

    return $text =~ s/\b(700[1-6])\b/$ports{$1}/gr
        =~ s/^pimap-load-functions/$program/mr;
}


sub run { my ($command) = @_; return qx(cd $dir/cluster && $command) }
