#!/usr/bin/perl

# The states of an account's JMAP types follow its events: by the same table
# as the module's filter, or as a JMAP server gives them.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Codec;

my $t = Pimap->new();
$t->plan(14);

my $redis = $t->redis()->start()->load();
my $types = Pimap::Codec->new($t)->types();

my %expected = map { $_ => join(' ', sort(@{ $types->{$_} })) }
    grep { $_ ne 'calendarAlert' } keys(%$types);

my %got;

for my $name (keys(%expected)) {
    my $id = $redis->fcall('publish', $name, { event => $name });
    my $states = states($name);

    $got{$name} = join(' ', grep { $states->{$_} eq $id }
        sort(keys(%$states)));
}

is_deeply(\%got, \%expected, 'the tables of library and module are the same');

my $id = $redis->fcall('publish', 'a', { '@type' => 'CalendarAlert' });
is_deeply(states('a'), { CalendarAlert => $id }, 'a CalendarAlert');

$redis->fcall('publish', 'a', { event => 'X' });
is_deeply(states('a'), { CalendarAlert => $id }, 'an event without types');

# given by a JMAP server

changed(b => { Email => '77', Mailbox => 'm1' });
is_deeply(states('b'), { Email => '77', Mailbox => 'm1' }, 'given states');

changed(b => { Email => '78' });
is_deeply(states('b'), { Email => '78', Mailbox => 'm1' },
    '    replace earlier ones');

$id = $redis->fcall('publish', 'b', { event => 'MessageRead' });
is_deeply(states('b'), { Email => $id, Mailbox => $id },
    '    as the id of an event does');

my %known = map { $_ => 's' } @{ all_types() };

changed(c => { %known, Foo => 's', '@epoch' => '1', event => 's' });
is_deeply(states('c'), \%known, 'states of all known types, and of no others');

$id = changed(d => { Email => 7, Mailbox => 's' x 256, Thread => 's' x 255 });
is_deeply(states('d'), { Email => $id, Mailbox => $id,
    Thread => 's' x 255 }, 'an invalid state: the id of the event');

$id = changed(e => undef, x => { Email => '1', Quota => '1' },
    y => { Email => '2', Thread => '2' });
is_deeply(states('e'), { Email => $id, Quota => '1', Thread => '2' },
    'two accounts with a state: the id of the event');

changed(e => { Email => 'own' }, x => { Email => '1' }, y => { Email => '2' });
is(states('e')->{Email}, 'own',
    '    unless one of them is the account itself');

changed(f => {});
is_deeply(states('f'), {}, 'an account without types');
changed(f => undef);
is_deeply(states('f'), {}, 'no account');

is(scalar(@{ all_types() }), 23, 'all types are known');
is(scalar(keys(%expected)), 25 + 23,
    'all events are known, without calendarAlert');


# Names in the source without a list of types are types.

sub all_types {
    return [grep { !@{ $types->{$_} } } keys(%$types)];
}


sub changed {
    my ($account, $states, %others) = @_;

    return $redis->fcall('publish', $account, { '@type' => 'StateChange',
        changed => { $states ? ($account => $states) : (), %others } });
}


# All states, without the library's own fields.

sub states {
    my ($account) = @_;

    my %states = @{ $redis->command('HGETALL', "pimap:{$account}:states") };

    return { map { $_ => $states{$_} } grep { !/^\@/ } keys(%states) };
}
