#!/usr/bin/perl

# Devices that are handed over are counted in the limits of the new workers:
# by their accounts, their names and their addresses.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(workers => 1, mode => '', http => '', locations => <<'END');
        location = /account {
            pimap_account $arg_account;
            pimap_max_devices_per_account 2;
            pimap_events;
        }

        location = /asleep {
            pimap_account $arg_account;
            pimap_max_devices_per_account 2;
            pimap_hibernate on;
            pimap_events;
        }

        location = /address {
            pimap_account $arg_account;
            pimap_max_devices_per_ip 6;
            pimap_events;
        }

        location = /status {
            pimap_status;
        }
END

$t->plan(12);
$t->run();
$t->wait_ready();

# The status of a further device, which leaves at once.

sub another {
    my ($account, @set) = @_;

    my $s = $t->park($account, @set);
    my $status = $s->status();

    $s->close();
    return $status;
}

my %to = (alice => [path => '/account'],
    bob => [path => '/asleep', transport => 'https']);
my %s = map { my $name = $_;
    ($name => [map { $t->park($name, @{ $to{$name} }, query => "device=d$_") }
        1, 2]) } keys(%to);

for my $s (map { @$_ } values(%s)) {
    $s->read_until(qr/: parked\n.*\n\n/);
}

$t->wait_for(sub { my $d = $t->status()->{devices};
    $d->{detached} == 2 && $d->{hibernated} == 2 }, 'detached');

is(another($_, @{ $to{$_} }), 429, "$_: full") for sort(keys(%to));

my @more = map { $t->park("carol$_", path => '/address') } 1, 2;

is(another('carol', path => '/address'), 429, 'the address: full');

my @old = $t->workers();

ok($t->reload(), 'a reload');
$t->wait_for(sub { !grep { -e "/proc/$_" } @old }, 'the old worker');
ok($t->wait_for(sub { $t->status()->{handover}{received} == 6 }),
    'all are handed over');

is(another($_, @{ $to{$_} }), 429, "$_: still full") for sort(keys(%to));
is(another('carol', path => '/address'), 429, 'the address: still full');

# A name that is parked is superseded, so it is let in.

my $new = $t->park('alice', @{ $to{alice} }, query => 'device=d1');

is($new->status(), 200, 'a newer request of a device that was handed over');
$s{alice}[0]->close();

# They leave.

$_->close() for $s{alice}[1], $s{bob}[0];
ok($t->wait_for(sub { $t->status()->{parked} == 4 }), 'two devices leave');
is(another($_, @{ $to{$_} }), 200, "$_: a place is free")
    for sort(keys(%to));
