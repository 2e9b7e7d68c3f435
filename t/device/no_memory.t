#!/usr/bin/perl

# A device for whose records there is no memory is not parked.  Others stay,
# and it parks when there is memory again.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Oom;

plan(skip_all => 'a checker has an allocator of its own')
    if !Pimap::Oom->possible();

use constant PAGE => 32 * 1024;         # NGX_PIMAP_ARENA_PAGE

my $t = Pimap->new(allow => qr/12: Cannot allocate memory/);
my $oom = Pimap::Oom->new($t);

$t->nginx()->{env} = { $oom->env() };

# Records of these sizes have no page yet: the device's, and the account's.
my @requests = (['alice', 'd' x 60], ['alice', 'd' x 100], ['b' x 100, 'd']);

$t->plan(3 * @requests + 5);
$t->run();
$t->wait_ready();

my $s = $t->park_live('alice', query => 'device=phone');

$oom->fail(by => 'ngx_pimap_module.so', size => PAGE, count => 1000);

for my $n (1 .. @requests) {
    my ($account, $device) = @{ $requests[$n - 1] };
    my $p = $t->park($account, query => "device=$device");

    ok(!$p->read_until(qr/: parked\n.*\n\n/),
        "no memory, request $n: it is not parked");
    ok($p->closed(), 'its connection is closed');
    $p->close();
}

cmp_ok($oom->failed(), '>=', @requests - 1, 'allocations have failed');
ok($t->log_lines(qr/pimap cannot allocate a record of \d+ bytes/),
    'it is logged');

$t->redis()->publish('alice', { event => 'MessageNew', uid => 1 });
is(($s->event() // {})->{event}, 'MessageNew', 'a parked device has events');
is($t->workers(), 1, 'the worker is there');

$oom->stop();

my @parked;

for my $n (1 .. @requests) {
    my ($account, $device) = @{ $requests[$n - 1] };

    push(@parked, $t->park($account, query => "device=$device"));
    ok($parked[-1]->read_until(qr/: parked\n.*\n\n/),
        "memory again, request $n: it is parked");
}

is($t->status()->{parked}, 1 + @requests, 'all are counted');
