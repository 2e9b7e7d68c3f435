package Pimap::Mail;

# A client of IMAP and LMTP, with the commands that the tests need.

use strict;
use warnings;

use IO::Socket::INET;

use Pimap::Process qw(patience);


sub connect {
    my ($class, $port) = @_;

    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $port, Timeout => patience()) or die "mail: $!\n";

    my $self = bless({ socket => $socket, tag => 0 }, $class);

    $self->_line() =~ /^(?:\* OK|220)/ or die "mail: bad greeting\n";

    return $self;
}


# An IMAP command: its untagged responses; dies if it is not accepted.

sub command {
    my ($self, $command) = @_;

    my $tag = 'a' . ++$self->{tag};
    my $text = '';

    $self->{socket}->print("$tag $command\r\n");

    while ((my $line = $self->_line()) !~ /^$tag OK/) {
        die "imap: $command: $line" if $line =~ /^$tag /;
        $text .= $line;
    }

    return $text;
}


sub append {
    my ($self, $mailbox, $text) = @_;

    return $self->command(sprintf("APPEND \"%s\" {%d+}\r\n%s", $mailbox,
        length($text), $text));
}


sub logout { $_[0]->command('LOGOUT'); 1 }


# to, and text => the whole message, or its parts: see Pimap::MailServer

sub deliver {
    my ($self, %mail) = @_;

    my $from = $mail{from} // 'bob@example.net';
    my $text = $mail{text} // join("\n", "From: <$from>", "To: <$mail{to}>",
        "Subject: $mail{subject}", @{ $mail{headers} // [] }, '',
        $mail{body} // 'hello');

    $text =~ s/\r?\n/\r\n/g;
    $text =~ s/^\./../mg;
    $text =~ s/(?<!\r\n)\z/\r\n/;

    $self->_lmtp('LHLO localhost', 250);
    $self->_lmtp("MAIL FROM:<$from>", 250);
    $self->_lmtp("RCPT TO:<$mail{to}>", 250);
    $self->_lmtp('DATA', 354);
    $self->_lmtp("$text.", 250);
    $self->_lmtp('QUIT', 221);
}


sub _lmtp {
    my ($self, $command, $code) = @_;

    $self->{socket}->print("$command\r\n");

    my $line = $self->_line();
    $line = $self->_line() while $line =~ /^\d+-/;

    $line =~ /^$code/ or die "lmtp: $command: $line";
}


sub _line {
    my ($self) = @_;

    local $SIG{ALRM} = sub { die "mail: no answer in time\n" };

    alarm(patience());
    my $line = $self->{socket}->getline();
    alarm(0);

    return $line // die "mail: connection closed\n";
}


1;
