"""X12 deliveries written for tests, and what a channel told of one."""

from intake.channels.edi_reading import Reading
from ordertrail.intake.channels.x12 import X12
from ordertrail.intake.delivery import Source

SOURCE = Source("x12", "main", currency="USD")
READING = Reading(X12(), SOURCE)
delivered, told, said = READING.delivered, READING.told, READING.said
order_in, amendment_in, faults_in = READING.order_in, READING.amendment_in, READING.faults_in

HEAD = "ISA*00*          *00*          *01*123456789      *12*5551234567     *260310*1430*U*00401*000000042*0*P*>~"


def written(kind: str, segments: str, group: str = "PO") -> str:
    """Return an interchange of one transaction set, with counts that are right."""
    lines = [line.strip() for line in segments.strip().splitlines() if line.strip()]
    body = "".join(f"{line}~\n" for line in lines)
    return (
        f"{HEAD}\nGS*{group}*A*B*20260310*1430*7*X*004010~\nST*{kind}*0001~\n{body}"
        f"SE*{len(lines) + 2}*0001~\nGE*1*7~\nIEA*1*000000042~\n"
    )


FULL = """
    BEG*00*RL*PO-7*R1*20260310*C-9
    CUR*BY*EUR
    REF*CO*WEB-1
    REF*IA*V77**CO>X1
    PER*BD*Pat Buyer*TE*555-1*EM*pat@example.com
    FOB*CC***01*DAP
    SAC*A*C310***1050**5********Spring deal
    SAC*C*D240***2500*******06***Freight
    SAC*C*G740***300*******06
    SAC*C*H850***1999*******06***Sales tax
    SAC*A*F800***9900*******01
    ITD*05*2*2**10*20260409*30*****2% 10 NET 30
    DTM*064*20260320
    DTM*063*20260325*1700*LT
    DTM*010*20260318
    NTE*GEN*Ring the bell
    TXI*VA*7.00*19****36.84
    N9*ZZ*TERMS*See below
    MSG*Palletize everything
    N1*BY*Big Shop*UL*4012345000009
    N1*ST*Store 12*92*0012
    N2*Back door
    N3*1 High St*Unit 2
    N4*Springfield*IL*62701*US
    PER*RE*Dock Crew*TE*555-2
    N1*SF*Warehouse
    PO1*1*12*EA*1.2345*HP*UP*036000291452*VN*AB-1*BP*B-1*CL*RED
    CTP**MSR*2.00
    PID*F*08***Cup
    SAC*C*F050***100
    TXI*ST*0.50*5
    DTM*002*20260321
    AMT*1*1.15
    PO1**2*CA*10**UP*036000291453
    PO4*6*1*EA
    CTT*2*14
    AMT*TT*60.00
"""


CHANGE = """
    BCH*04*SA*PO-7*R1*3*20260310*****20260312
    CUR*BY*EUR
    REF*CO*WEB-1
    DTM*063*20260330
    POC*1*QI*15*3*EA*1.50
    POC*2*DI*2**CA
    POC*3*AI*4**EA*2.00**VN*NEW-1
    PID*F****New thing
    POC*5*NC*1**EA
    POC*6*RE*8**EA*3**VN*AB-2
    CTT*5
"""


SHIPPED = """
    BSN*00*SHIP-1*20260315*1200*0001
    HL*1**S
    TD5*B*2*UPSN**United Parcel
    REF*CN*1Z999AA10123456784
    REF*BM*BOL-1
    DTM*011*20260315*0900
    DTM*017*20260318
    N1*SF*Warehouse*92*W1
    N1*ST*Store 12
    N4*Springfield*IL*62701*US
    HL*2*1*O
    PRF*PO-7*R1
    HL*3*2*P
    MAN*GM*00006141411234567890
    HL*4*3*I
    LIN**PL*1*VN*AB-1
    SN1*1*5*EA
    HL*5*3*I
    LIN*1*VN*AB-1
    SN1**2*EA
    HL*6*1*O
    PRF*PO-8
    HL*7*6*I
    LIN*9*VN*ZZ
    SN1**1*EA
    CTT*7
"""
