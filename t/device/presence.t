#!/usr/bin/perl

# With pimap_presence, the worker announces in Redis the accounts that come and
# go.  Announcements that are not possible at once are sent a little later.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

use constant MANY => 400;

my $t = Pimap->new(http => 'pimap_presence on;');
my $off = Pimap->new(redis => $t->redis());
$t->plan(14);

my $redis = $t->redis()->start();
my $listener = $redis->connect();
$listener->command('SUBSCRIBE', 'pimap:presence');

$t->run();
$off->run();
$_->wait_ready() for $t, $off;

# The next announcement, or false.

sub announced {
    my $message = eval { $listener->reply() } // return;

    return ref($message) ? $message->[2] : undef;
}

# One device, of several kinds, and others of the same account

for my $transport (qw(http https h2)) {
    my $s = $t->park('alice', transport => $transport);

    is(announced(), '+ alice', "$transport: the first device comes");

    my $other = $t->park('alice', query => 'device=2');
    $other->read_until(qr/: parked\n.*\n\n/);

    $s->close();
    $other->close();
    is(announced(), '- alice', "$transport: the last device leaves");
}

# Without the directive there is no announcement; odd names are not escaped

my $quiet = $off->park('carol');
$off->subscribed('carol');

my $odd = $t->park('a%20b%25%C3%BC');
is(announced(), '+ a b%ü', 'an odd name; nothing without the directive');

# A reload: the new worker announces the accounts it has received

$t->reload();
my @both = sort(announced(), announced());
is_deeply(\@both, ['+ a b%ü', '- a b%ü'], 'a reload: announced again');
ok($t->wait_for(sub { $redis->numsub('a b%ü') == 1 }), 'it is there');

# The worker reads many requests at once, and then Redis is away and returns

my ($worker) = $t->workers();

kill('STOP', $worker);

my @many = map { $t->park("user$_") } 1 .. MANY;
my %seen;

kill('CONT', $worker);

sub all_announced {
    return $t->wait_for(sub {
        my $text = announced();
        $seen{$text}++ if defined $text;
        !grep { !$seen{"+ user$_"} } 1 .. MANY;
    }, 'announcements');
}

ok(all_announced(), MANY . ' accounts at once: all are announced');

$redis->restart();
$listener = undef;
ok($t->wait_for(sub {
    $listener = $redis->connect();
    eval { $listener->command('SUBSCRIBE', 'pimap:presence') }
}, 'listener'), 'Redis is back: the listener has subscribed');

%seen = ();

ok(all_announced(), 'Redis is back: all are announced');

my @left = grep { $_ !~ /^\+ (user\d+|a b%ü)$/ } keys(%seen);
is("@left", '', 'and none else');

ok(!$t->log_lines(qr/\[error\](?!.*redis)/), 'no error');
