package Pimap::Conformance::Stream;

# Cases of a response that is open: events, filters, ids, updates.

use strict;
use warnings;

use Test::More import => [qw(is is_deeply like ok plan)];


# Events reach a client, as they were published.

sub park {
    my ($c) = @_;

    plan(tests => 4);

    my $adapter = $c->adapter();

    $c->parked($adapter);
    my $id = $c->log('MessageNew', mailbox => 'INBOX', uid => 4711,
        subject => "\x{fc}ber \\ \"alles\"\n\x{1f4ec}", flags => []);
    my $event = $adapter->see('event');

    is_deeply($event->{data}, { event => 'MessageNew', mailbox => 'INBOX',
        uid => 4711, subject => "\x{fc}ber \\ \"alles\"\n\x{1f4ec}",
        flags => [] }, 'an event has all of its members');
    is("$event->{event} $event->{id}", "MessageNew $id",
        '    its name and its id');

    $c->log('X', id => 'mine', data => [1]);
    is_deeply([@{ $adapter->see('event') }{qw(event data)}],
        ['X', { event => 'X', id => 'mine', data => [1] }],
        'an event has an id of its own');
}


sub filter {
    my ($c) = @_;

    plan(tests => 4);

    my $one = $c->adapter(device => 'one', types => ['Email', 'Quota'],
        mailboxes => ['INBOX', 'a,b&c']);
    my $two = $c->adapter(device => 'two', events => ['QuotaExceed']);

    $c->parked($one);
    $c->parked($two);
    $c->log('MessageNew', mailbox => 'Work');
    $c->log('MailboxCreate', mailbox => 'INBOX');
    $c->log('MessageNew', mailbox => 'a,b&c');
    $c->log('QuotaExceed');

    is_deeply([map { $one->event() } 1, 2], ['MessageNew', 'QuotaExceed'],
        'types and mailboxes: it gets the events that pass both');
    is($two->event(), 'QuotaExceed', 'names of events: it gets these');
}


# A client goes on after its last id: at its start, and after a loss.

sub resume {
    my ($c) = @_;

    plan(tests => 6);

    my $t = $c->{t};
    my ($first) = map { $c->log('MessageNew', uid => $_) } 1, 2;
    my $adapter = $c->adapter(lastId => $first);

    $c->parked($adapter);
    is($adapter->see('event')->{data}{uid}, 2,
        'with an id it starts behind that event');

    $t->nginx()->stop();
    $c->log('MessageNew', uid => $_) for 3, 4;
    ok($adapter->see('closed'), 'the server is away: it sees that');
    $t->nginx()->start();

    is_deeply([map { $adapter->see('event')->{data}{uid} } 1, 2], [3, 4],
        '    it comes back, and has the events of that time');

    $c->log('MessageNew', uid => 5);
    is($adapter->see('event')->{data}{uid}, 5, '    and later ones');
    is(join(' ', map { $_->{data}{uid} } $adapter->seen('event')), '2 3 4 5',
        '    each once, in order');
}


# Events are missing for good: the client says so, and goes on.

sub resync {
    my ($c) = @_;

    plan(tests => 6);

    my $t = $c->{t};
    my $adapter = $c->adapter(lastId => '1-1');

    $c->log('MessageNew', uid => 1);

    my $resync = $adapter->see('resync');
    like($resync->{reason}, qr/^(?:epoch|empty)$/, 'an id of another log');
    ok(defined $resync->{id}, '    it has the id to go on from');

    $t->subscribed($c->{account});
    $c->log('MessageNew', uid => 2);
    $t->wait_for(sub { grep { $_->{data}{uid} == 2 }
        $adapter->seen('event') }, 'an event');
    is(scalar($adapter->seen('resync')), 1,
        '    it goes on with the next event');

    # after the loss of the log while it is away

    $t->nginx()->stop();
    $t->redis()->command('DEL', map { $t->redis()->channel($c->{account})
        . $_ } '', ':epoch');
    $c->log('MessageNew', uid => 3);
    $t->nginx()->start();

    ok($adapter->see('resync'), 'the log is lost while it is away: resync');
    $t->subscribed($c->{account});
    $c->log('MessageNew', uid => 4);
    ok($t->wait_for(sub { grep { $_->{data}{uid} == 4 }
        $adapter->seen('event') }, 'an event'), '    and later events');
    is(scalar(grep { $_->{data}{uid} == 4 } $adapter->seen('event')), 1,
        '    once');
}


sub compress {
    my ($c) = @_;

    plan(tests => 4);

    my $adapter = $c->adapter(compress => \1, device => 'small');

    $c->parked($adapter);

    for my $n (1 .. 40) {
        $c->log('MessageNew', uid => $n, subject => 'the same again');
    }

    my @uids = map { $adapter->see('event')->{data}{uid} } 1 .. 40;

    is("@uids", join(' ', 1 .. 40), 'compressed events: it reads all');
    ok($adapter->close(), 'it ends');
    $c->{adapters} = [];

    $c->{t}->wait_for(sub { grep { $_->[3] eq 'small' }
        map { $c->requests($_) } '/events' }, 'a line of the log');
    my @codings = map { $_->[3] eq 'small' ? $_->[4] : () }
        $c->requests('/events');

    # a poll without an event has no body

    like(join("\n", @codings),
        qr/^-?(?:gzip|deflate|permessage-deflate.*?)-?$/m,
        '    compressed on the wire');
}


sub update {
    my ($c) = @_;

    plan(tests => 5);

    my $adapter = $c->adapter();

    $c->parked($adapter);
    $adapter->do(update => id => "u$_",
        update => { update => 'store', mailbox => 'INBOX', n => $_ })
        for 1, 2;

    $c->{t}->wait_for(sub { $c->carry_out('u1') && $c->carry_out('u2') },
        'two updates');
    my %result = map { $_->{update} => $_->{result} }
        map { $adapter->see('result') } 1, 2;

    is_deeply([map { @{ $result{$_} }{qw(status uid)} } qw(u1 u2)],
        [('done', 7) x 2], 'updates: each promise has its result');

    my ($entry) = map { my %fields = @{ $_->[1] };
        $fields{id} eq 'u1' ? \%fields : () }
        @{ $c->{t}->redis()->command('XRANGE', 'pimap:updates', '-', '+') };

    is($entry->{device}, 'phone', '    it sends the name of its device');

    # the same id for another update

    $adapter->do(update => id => 'u1', update => { update => 'delete' });
    my $refused = $adapter->see('refused', 'result');

    is("$refused->{see} $refused->{update}", 'refused u1',
        'the id of another update: refused');
    ok($adapter->quiet(1, 'refused', 'closed'), '    it does not try again');
}


1;
