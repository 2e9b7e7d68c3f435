#!/usr/bin/perl

# A filter takes at most 4 kB of memory for each device.  A longer one is
# refused with the reason.  The longest one works, also after a reload.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(workers => 1);

$t->plan(7);
$t->run();
$t->wait_ready();

my @long = names(64, 70);
my $r = $t->get('/events?account=alice&mailboxes=' . join(',', @long));

is($r->{status}, 400, '64 names of 70 bytes: 400');
like($r->{body}, qr/the filter is too long, use fewer names/,
    '    the reason');

# The largest that fits: names get longer until one is refused.

my $n = 40;

$n++ while $n < 70 && accepted($n + 1);

cmp_ok($n, '>', 55, "64 names of $n bytes fit, of 4 kB in all");

my $s = $t->request(GET => path($n));

ok($s->read_until(qr/: parked\n.*\n\n/), '    parked');
$t->subscribed('alice');

my ($last) = (names(64, $n))[-1];

publish($last);
is($s->event()->{json}{mailbox}, $last, '    the last name passes');

$t->reload();
$t->wait_for(sub { ($t->status()->{handover}{received} // 0) == 1 }, 'it');
$t->wait_ready();
publish('Other');
publish($last);
is($s->event()->{json}{mailbox}, $last, '    also after a reload');
ok($s->quiet(0.2), '    and no other');


sub names { map { sprintf("%0$_[1]d", $_) } 1 .. $_[0] }
sub path { '/events?account=alice&mailboxes=' . join(',', names(64, $_[0])) }


sub accepted {
    my $s = $t->request(GET => path($_[0]));
    my $status = $s->status();

    $s->close();

    return $status == 200;
}


sub publish {
    $t->redis()->log('alice', { event => 'MessageNew', mailbox => $_[0] });
}
